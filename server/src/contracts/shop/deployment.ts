import type { Deployment } from '../_kit/deployment.ts'

/** A gateway before three services, on the ports 8000 to 8003. */
export const deployment: Deployment = {
  units: [
    { name: 'api-gateway', port: 8000, services: [], gateway: true },
    { name: 'auth-service', port: 8001, services: ['identity'], gateway: false },
    { name: 'user-service', port: 8002, services: ['profiles'], gateway: false },
    { name: 'orders-service', port: 8003, services: ['orders'], gateway: false },
  ],
  aliases: {
    SHOP_JWT_SECRET: ['JWT_SECRET'],
    SHOP_ADMIN_PASSWORD: ['ADMIN_PASSWORD'],
    GUICHET_UPSTREAM_TIMEOUT_MS: ['UPSTREAM_TIMEOUT_MS'],
    GUICHET_PASSWORD_ALGORITHM: ['PASSWORD_ALGORITHM'],
    GUICHET_IDENTITY_URL: ['AUTH_SERVICE_URL'],
    GUICHET_PROFILES_URL: ['USER_SERVICE_URL'],
    GUICHET_ORDERS_URL: ['ORDERS_SERVICE_URL'],
    GUICHET_CORS_ORIGINS: ['CORS_ORIGIN'],
  },
  ignored: { DB_PATH: 'it names an SQLite file, and the services keep their data in PostgreSQL' },
  needsAdministrator: true,
  demo: {
    accounts: [
      {
        username: 'admin',
        password: 'admin',
        email: 'admin@example.com',
        role: 'admin',
        made: 'at every start',
        announced: true,
      },
    ],
    products: [
      {
        id: 1,
        name: 'Laptop 14"',
        description: 'Fourteen inches, 16 GB of memory, 512 GB SSD',
        priceCents: 129_900,
        stock: 10,
      },
      { id: 2, name: 'Phone', description: '6.1 inches, 256 GB', priceCents: 119_900, stock: 15 },
      { id: 3, name: 'Headphones', description: 'Wireless, with noise cancelling', priceCents: 39_900, stock: 20 },
      { id: 4, name: 'Tablet', description: '11 inches, 128 GB', priceCents: 69_900, stock: 12 },
      { id: 5, name: 'Watch', description: 'With heart rate and GPS', priceCents: 34_900, stock: 18 },
    ],
  },
}
