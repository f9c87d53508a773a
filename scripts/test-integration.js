#!/usr/bin/env node
// Asks the helpdesk's two running services whether they work, and work together. It makes an account of its own for that.
//   AUTH_SERVICE_URL   http://localhost:3001 when absent
//   USER_SERVICE_URL   http://localhost:3002 when absent
//   GUICHET_URL        the default host of all contracts, which has both: http://localhost:8000 when nothing answers on 3001
// Plain Node (20 or later). Exits with 0 when everything passed, else with 1.

import { randomBytes } from 'node:crypto'

const { AUTH_SERVICE_URL, USER_SERVICE_URL, GUICHET_URL } = process.env

/** Whether anything answers there at all. */
const answers = (url) =>
  fetch(`${url}/livez`, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  )

/** Where the two services are: by their variables, on their own ports, or both on the default host of all contracts. */
async function findServices() {
  const own = { auth: AUTH_SERVICE_URL || 'http://localhost:3001', users: USER_SERVICE_URL || 'http://localhost:3002' }
  if (AUTH_SERVICE_URL || USER_SERVICE_URL) return own
  const shared = GUICHET_URL || 'http://localhost:8000'
  const isShared = GUICHET_URL || (!(await answers(own.auth)) && (await answers(shared)))
  return isShared ? { auth: shared, users: shared } : own
}

const urls = await findServices()
const bare = (url) => url.replace(/\/+$/, '')
const services = {
  auth: {
    name: 'auth service',
    url: bare(urls.auth),
    variable: 'AUTH_SERVICE_URL',
    unit: 'helpdesk/auth-service',
  },
  users: {
    name: 'user service',
    url: bare(urls.users),
    variable: 'USER_SERVICE_URL',
    unit: 'helpdesk/user-service',
  },
}

/** On an address that both share, `/health` tells of something else; whether the services work is told to probes. */
const together = services.auth.url === services.users.url

/** Milliseconds for each check; a service that takes longer does not work. */
const deadlineMs = 10_000
/** Milliseconds between two tries of what takes a moment. */
const pauseMs = 100

const { NO_COLOR, FORCE_COLOR } = process.env
const coloured = !NO_COLOR && (process.stdout.isTTY || (FORCE_COLOR !== undefined && FORCE_COLOR !== '0'))
const inColour = (code) => (text) => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text)
const [bold, red, green, yellow, grey] = [1, 31, 32, 33, 90].map(inColour)

/** What a check found wrong, in words for people. */
class Failed extends Error {}

/** A service that could not be reached: nothing further can be asked of it. */
class Unreachable extends Failed {
  constructor({ name, url, variable, unit }, reason) {
    super(
      `the ${name} cannot be reached at ${url} (${reason})\n` +
        `Start both services with \`make start TOPOLOGY=helpdesk\`, or this one with \`npm run guichet -- start ${unit}\`.\n` +
        `If it runs elsewhere, set ${variable}.`,
    )
  }
}

/** One request; gives the status and the JSON of the answer. */
async function ask(service, method, path, { token, body, signal }) {
  let answer
  let text
  try {
    answer = await fetch(`${service.url}${path}`, {
      method,
      signal,
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    text = await answer.text()
  } catch (error) {
    if (signal.aborted) throw new Failed(`${method} ${service.url}${path} did not answer within ${deadlineMs / 1000} s`)
    throw new Unreachable(service, error.cause?.code ?? error.cause?.message ?? error.message)
  }
  if (answer.status === 429) {
    const seconds = answer.headers.get('retry-after') ?? 'some'
    throw new Failed(
      `too many requests: ${service.url} will be asked again in ${seconds} seconds at the earliest\n` +
        'In development HELPDESK_LIMITS_ENABLED=false starts the services without limits.',
    )
  }
  let json
  try {
    json = JSON.parse(text)
  } catch {
    throw new Failed(`${method} ${service.url}${path} answered ${answer.status} with something that is no JSON`)
  }
  return { status: answer.status, json, call: `${method} ${path}` }
}

/** Throws unless the status is one of those expected; gives the answer. */
function expectStatus(answer, ...expected) {
  if (expected.includes(answer.status)) return answer
  const { message, error } = answer.json ?? {}
  throw new Failed(
    `${answer.call} answered ${answer.status} (${message ?? error ?? 'without a message'}), not ${expected.join(' or ')}`,
  )
}

function expectThat(condition, problem) {
  if (!condition) throw new Failed(problem)
}

async function expectReady(service, signal) {
  const { status, json } = await ask(service, 'GET', '/readyz', { signal })
  const down = Object.keys(json.services ?? {}).filter((name) => !json.services[name])
  expectThat(status === 200 && json.status === 'ok', `it is not ready; down: ${down.join(', ') || 'unknown'}`)
}

/** Asks again until it is answered with that status, or the time of the check is over. */
async function untilStatus(request, expected, signal) {
  for (;;) {
    const answer = await request()
    if (answer.status === expected || signal.aborted) return expectStatus(answer, expected)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

// What later checks need of earlier ones.
const person = {
  email: `integration-${randomBytes(6).toString('hex')}@example.org`,
  password: `Aa1-${randomBytes(12).toString('base64url')}`,
  id: undefined,
  token: undefined,
}
const badToken = 'not.a.token'

const groups = [
  {
    title: 'Health of the services',
    checks: [
      [
        'the auth service is healthy',
        async (signal) => {
          if (together) return expectReady(services.auth, signal)
          const { json } = expectStatus(await ask(services.auth, 'GET', '/health', { signal }), 200)
          expectThat(json.status === 'healthy', `its status is ${JSON.stringify(json.status)}, not "healthy"`)
        },
      ],
      [
        'the user service is healthy, and reaches its database and the auth service',
        async (signal) => {
          if (together) return expectReady(services.users, signal)
          const answer = await ask(services.users, 'GET', '/health', { signal })
          const dependencies = Object.entries(answer.json.dependencies ?? {})
          const down = dependencies.filter(([, state]) => state !== 'connected').map(([name]) => name)
          const hint = down.includes('authService')
            ? '; are AUTH_SERVICE_URL of the user service and INTERNAL_SERVICE_TOKEN of both right?'
            : ''
          expectThat(down.length === 0, `it does not reach: ${down.join(', ')}${hint}`)
          const { json } = expectStatus(answer, 200)
          expectThat(json.status === 'healthy', `its status is ${JSON.stringify(json.status)}, not "healthy"`)
        },
      ],
    ],
  },
  {
    title: 'Sign-up and login',
    // Without an account there is nothing to ask with.
    needed: true,
    checks: [
      [
        'an account is made',
        async (signal) => {
          const { email, password } = person
          const body = { email, password, confirmPassword: password, firstName: 'Integration', lastName: 'Test' }
          const { json } = expectStatus(await ask(services.auth, 'POST', '/api/auth/register', { body, signal }), 201)
          expectThat(json.accessToken && json.user, 'the answer lacks accessToken or user')
          person.id = json.user.userId
        },
      ],
      [
        'it signs in',
        async (signal) => {
          const { email, password } = person
          const body = { email, password }
          const { json } = expectStatus(await ask(services.auth, 'POST', '/api/auth/login', { body, signal }), 200)
          expectThat(json.accessToken, 'the answer lacks accessToken')
          person.token = json.accessToken
        },
      ],
    ],
  },
  {
    title: 'Verification of tokens',
    checks: [
      [
        'a good token is valid, and names its user',
        async (signal) => {
          const { token } = person
          const { json } = expectStatus(await ask(services.auth, 'GET', '/api/auth/verify', { token, signal }), 200)
          expectThat(json.success === true && json.valid === true, 'the answer does not say that the token is valid')
          expectThat(json.user?.userId === person.id, 'the answer names another user')
        },
      ],
      [
        'a bad token is refused',
        async (signal) => {
          const answer = await ask(services.auth, 'GET', '/api/auth/verify', { token: badToken, signal })
          const { json } = expectStatus(answer, 401)
          expectThat(json.success === false && json.error, 'the answer does not say that the token is not valid')
        },
      ],
    ],
  },
  {
    title: 'Communication between the services',
    checks: [
      [
        "the auth service's token opens the profile at the user service",
        async (signal) => {
          const { token } = person
          const { json } = expectStatus(await ask(services.users, 'GET', '/api/profile/me', { token, signal }), 200)
          expectThat(json.data?.userId === person.id, 'the profile is that of another user')
          expectThat(json.data?.email === person.email, 'the profile has another e-mail address')
        },
      ],
      [
        'the profile is changed, and stays changed',
        async (signal) => {
          const { token } = person
          const body = { department: 'Integration' }
          expectStatus(await ask(services.users, 'PUT', '/api/profile/me', { token, body, signal }), 200)
          const { json } = expectStatus(await ask(services.users, 'GET', '/api/profile/me', { token, signal }), 200)
          expectThat(json.data?.department === body.department, 'the change is not there when it is read again')
        },
      ],
      [
        'an ordinary account is kept out of the administration (403)',
        async (signal) => {
          const { token } = person
          expectStatus(await ask(services.users, 'GET', '/api/admin/users', { token, signal }), 403)
        },
      ],
    ],
  },
  {
    title: 'Authentication middleware',
    checks: [
      [
        'without a token the user service answers 401',
        async (signal) => expectStatus(await ask(services.users, 'GET', '/api/profile/me', { signal }), 401),
      ],
      [
        'with a bad token it answers 401',
        async (signal) => {
          expectStatus(await ask(services.users, 'GET', '/api/profile/me', { token: badToken, signal }), 401)
        },
      ],
      [
        'with the token of somebody who signed out both services answer 401',
        async (signal) => {
          const { token } = person
          expectStatus(await ask(services.auth, 'POST', '/api/auth/logout', { token, signal }), 200)
          for (const [service, path] of [
            [services.auth, '/api/auth/verify'],
            [services.users, '/api/profile/me'],
          ]) {
            await untilStatus(() => ask(service, 'GET', path, { token, signal }), 401, signal)
          }
        },
      ],
    ],
  },
]

/** Runs one check within its time; gives what was wrong, or undefined. */
async function problemOf(run) {
  try {
    await run(AbortSignal.timeout(deadlineMs))
    return undefined
  } catch (error) {
    return error instanceof Failed ? error : new Failed(String(error?.stack ?? error))
  }
}

const indented = (text) => text.replaceAll('\n', '\n      ')

console.log(bold('Integration of the helpdesk services'))
for (const { name, url } of Object.values(services)) console.log(grey(`  ${name}: ${url}`))

const counts = { passed: 0, failed: 0, skipped: 0 }
let stopped = false
for (const { title, checks, needed = false } of groups) {
  console.log(`\n${bold(title)}`)
  for (const [name, run] of checks) {
    // Both are asked for their health, so that each that is away is named.
    if (stopped && checks !== groups[0].checks) {
      counts.skipped += 1
      console.log(yellow(`  - ${name}: not tried`))
      continue
    }
    const started = performance.now()
    const problem = await problemOf(run)
    const ms = Math.round(performance.now() - started)
    if (!problem) {
      counts.passed += 1
      console.log(`${green('  ✓')} ${name} ${grey(`(${ms} ms)`)}`)
      continue
    }
    counts.failed += 1
    console.log(`${red('  ✗')} ${name}: ${indented(problem.message)}`)
    // The rest would only fail in the same way.
    if (needed || problem instanceof Unreachable) stopped = true
  }
}

const { passed, failed, skipped } = counts
const tally = [`${passed} passed`, `${failed} failed`, ...(skipped > 0 ? [`${skipped} not tried`] : [])].join(', ')
console.log(`\n${failed === 0 ? green(tally) : red(tally)}`)
process.exitCode = failed === 0 ? 0 : 1
