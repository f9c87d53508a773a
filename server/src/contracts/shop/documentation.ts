import type { Documentation } from '../_kit/openapi/documentation.ts'
import { SecondCall } from '../_kit/second-factor.ts'
import fields from './fields.json' with { type: 'json' }
import { Pair } from './identity.ts'
import { Failure, Item, Message, OrderDetail, OrderRow, ProductRow, Success, User } from './wire.ts'

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
  fields,
}
