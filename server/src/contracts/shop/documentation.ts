import type { Documentation } from '../_kit/openapi/documentation.ts'
import { SecondCall } from '../_kit/second-factor.ts'
import { Pair } from './identity.ts'
import { Failure, Item, Message, OrderDetail, OrderRow, ProductRow, Success, User } from './wire.ts'

const token = 'eyJhbGciOiJFUzI1NiIs…'

/** What the shop's OpenAPI document says beside its routes. */
export const documentation: Documentation = {
  description: `Sign-in, users, products and orders behind one gateway.

Begin with \`POST /auth/login\`: in development \`admin\` has the password \`admin\`. Send the \`access_token\` of the answer as
Bearer, here by the button *Authorize*. Moments are UTC, \`YYYY-MM-DD HH:MM:SS\`; prices are in the main unit of the currency.`,
  tags: {
    'Sign in': 'Accounts, and the tokens that stand for one',
    Users: 'Whom the accounts belong to: oneself, and everybody for administrators',
    Products: 'What can be ordered',
    Orders: "One's own orders; administrators see and change those of everybody",
  },
  schemas: {
    Failure,
    Message,
    Tokens: Pair,
    SignedIn: Success(Pair),
    SecondCall,
    User,
    UserAnswer: Success(User),
    Product: ProductRow,
    Order: OrderRow,
    OrderItem: Item,
    OrderWithItems: OrderDetail,
    OrderAnswer: Success(OrderDetail),
  },
  fields: {
    LoginRequest: [{ username: 'admin', password: 'admin' }],
    'path.id': ['1', 'The number that lists show as `id`'],
    'query.limit': [undefined, 'Entries at most; 1000 when absent'],
    'query.offset': [undefined, 'How many entries to leave out before the first'],
    code: ['NOT_FOUND', 'What happened, for programs'],
    message: ['The order is placed.', 'What happened, for people'],
    count: [1, 'Entries in `data`'],
    id: [1],
    access_token: [token, 'Goes with every call as Bearer'],
    refresh_token: ['Yz2sYp0X…', 'Renews the tokens, once'],
    expires_in: [3600, 'Seconds that the access token is good for'],
    refresh_expires_at: [1_797_831_035, 'When the refresh token ends, in seconds since 1970'],
    expires_at: [1_795_239_035, 'When the token ends, in seconds since 1970'],
    token: [token, 'The access token to check'],
    session_token: ['q1tK7h9B…', 'From the answer that asked for a code'],
    mfa_code: ['123456', 'The code that was mailed; good for 5 minutes'],
    'CreateUserRequest.username': ['grace'],
    'CreateUserRequest.email': ['grace@example.com'],
    username: ['ada'],
    password: ['a long pass phrase', 'At least 8 characters'],
    role: ['user', '`user` or `admin`'],
    user_id: [2, 'The number of the user'],
    email: ['ada@example.com'],
    first_name: ['Ada'],
    last_name: ['Lovelace'],
    phone: ['+44 20 7946 0000'],
    address: ['1 Example Street, London'],
    date_creation: ['2026-11-21 09:30:00', 'UTC'],
    date_update: [null, 'UTC; null before the first change'],
    name: ['Laptop 14"'],
    'Product.price': [999.99, 'Of one piece, in the main unit of the currency'],
    description: ['Light, with a matte screen'],
    stock: [12, 'Pieces that can be ordered now'],
    'Order.user_id': ['ada', 'The username of whom it belongs to'],
    'OrderWithItems.user_id': ['ada', 'The username of whom it belongs to'],
    total: [1999.98, 'In the main unit of the currency'],
    status: ['pending'],
    order_id: [1],
    product_id: [1],
    product_name: ['Laptop 14"', 'As it was called when it was ordered'],
    quantity: [2, 'Pieces'],
    price: [999.99, 'Of one piece when it was ordered, in the main unit of the currency'],
  },
}
