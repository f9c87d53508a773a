import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import pg from 'pg'

/**
 * Better Auth as it comes: e-mail and password, sessions in PostgreSQL. Its limits are off, as ours are while we measure.
 * Told where a session's cookie is, it measures itself in process; anything else goes over HTTP.
 */
const { DATABASE_URL, BETTER_AUTH_SECRET } = process.env
const inFlight = 16

const listener = createServer()
await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve))
const baseURL = `http://127.0.0.1:${listener.address().port}`

const options = {
  baseURL,
  secret: BETTER_AUTH_SECRET,
  database: new pg.Pool({ connectionString: DATABASE_URL }),
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
}
await (await getMigrations(options)).runMigrations()

const auth = betterAuth(options)
// By default a session is extended once a day; here at every use, which is what replacing a refresh token is to us.
const renewing = betterAuth({ ...options, basePath: '/api/renewing', session: { updateAge: 0 } })

const handle = toNodeHandler(auth)
const handleRenewing = toNodeHandler(renewing)
listener.on('request', (request, response) => {
  const handler = request.url.startsWith('/api/renewing/') ? handleRenewing : handle
  return handler(request, response)
})

/** Sessions looked up a second, without HTTP. */
async function lookupsPerSecond({ cookie, milliseconds }) {
  const headers = new Headers({ cookie })
  const start = performance.now()
  let done = 0
  const worker = async () => {
    while (performance.now() - start < milliseconds) {
      if (!(await auth.api.getSession({ headers }))) throw new Error('the session was not found')
      done += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return (done * 1000) / (performance.now() - start)
}

process.on('message', async (question) => process.send(await lookupsPerSecond(question)))
process.on('disconnect', () => process.exit())
process.send(baseURL)
