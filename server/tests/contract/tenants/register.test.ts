import { beforeAll, expect, inject, test } from 'vitest'
import { claimsOf } from '../../support/tokens.ts'
import { uniqueName } from '../../support/unique-name.ts'
import { expectFailure, expectInvalid, password, tenantsClient, uniqueEmail } from './client.ts'

const api = tenantsClient(inject('arrangement'))
beforeAll(api.ensureVendor)

const person = (fields: Record<string, unknown> = {}) => ({
  email: uniqueEmail(),
  password,
  full_name: 'Grace Hopper',
  tenant_name: uniqueName('tenant'),
  ...fields,
})

test('T-01 T-02 T-38 registering answers 201, makes tenant and account, and lets the person in; one event', async () => {
  const json = person()
  const made = await api.register(json)
  expect({ status: made.status, body: made.body }).toEqual({
    status: 201,
    // Development only: what the mail says.
    body: { message: 'User registered successfully', verification_token: expect.stringMatching(/^[\w-]{64}$/) },
  })
  const { access_token } = await api.signIn({ email: json.email, password, tenant: json.tenant_name })
  const claims = claimsOf(access_token)
  expect(claims).toMatchObject({ sub: expect.stringMatching(/^\d+$/), role: 'tenant_admin', type: 'access' })
  expect((await api.get('/api/users/me', access_token)).body).toMatchObject({ full_name: 'Grace Hopper' })
  expect(await api.events(claims.uid)).toEqual(['account.registered'])
  expect(await api.actions(claims.uid)).toEqual(['register', 'login'])
})

test('T-05 the creator of a tenant administers it, whoever joins is a user, asked or not', async () => {
  const tenant_name = uniqueName('tenant')
  const wishes = [
    ['user', 'tenant_admin'],
    ['vendor_admin', 'user'],
    ['tenant_admin', 'user'],
    [undefined, 'user'],
  ] as const
  for (const [wish, role] of wishes) {
    const json = person({ tenant_name, ...(wish && { role: wish }) })
    expect((await api.register(json)).status).toBe(201)
    const { access_token } = await api.signIn({ email: json.email, password, tenant: tenant_name })
    expect(claimsOf(access_token), `asked for ${wish}`).toMatchObject({ role })
    if (role === 'user') expectFailure(await api.get('/api/users', access_token), 403, 'Unauthorized')
  }
})

test('T-05 one e-mail address may be in two tenants, once in each; names are trimmed and have no case', async () => {
  const json = person({ email: uniqueEmail() })
  expect((await api.register(json)).status).toBe(201)
  for (const twin of [
    json,
    { ...json, email: json.email.toUpperCase() },
    { ...json, tenant_name: `  ${json.tenant_name.toUpperCase()} ` },
  ]) {
    expectFailure(await api.register(twin), 400, 'User already exists')
  }
  const elsewhere = { ...json, tenant_name: uniqueName('tenant') }
  expect((await api.register(elsewhere)).status).toBe(201)
  const [here, there] = await Promise.all(
    [json, elsewhere].map(async ({ email, tenant_name: tenant }) =>
      claimsOf((await api.signIn({ email, password, tenant })).access_token),
    ),
  )
  expect(here!.tenant_id).not.toBe(there!.tenant_id)
  expect(here!.sub).not.toBe(there!.sub)
})

test('T-05 ten who register at once make one tenant with one administrator; ten with one address make one account', async () => {
  const tenant_name = uniqueName('tenant')
  const people = Array.from({ length: 10 }, () => person({ tenant_name }))
  const answers = await Promise.all(people.map((json) => api.register(json)))
  expect(answers.map(({ status }) => status)).toEqual(people.map(() => 201))
  const roles = await api.rows(
    `SELECT coalesce(g.role, 'user') AS role, count(*)::int AS count
       FROM accounts a JOIN tenants t ON t.id = a.tenant_id LEFT JOIN grants g ON g.account_id = a.id AND g.contract = 'tenants'
      WHERE t.name = $1 GROUP BY 1 ORDER BY 1`,
    [tenant_name],
  )
  expect(roles).toEqual([
    { role: 'tenant_admin', count: 1 },
    { role: 'user', count: 9 },
  ])

  const same = person({ tenant_name })
  const twins = await Promise.all(Array.from({ length: 10 }, () => api.register(same)))
  expect(twins.map(({ status }) => status).sort()).toEqual([201, ...Array<number>(9).fill(400)])
  for (const twin of twins) if (twin.status === 400) expectFailure(twin, 400, 'User already exists')
})

test('T-63 missing and wrongly typed fields are 400 {message}, and make nothing', async () => {
  const json = person()
  for (const field of ['email', 'password', 'full_name', 'tenant_name']) {
    const { [field as keyof typeof json]: _, ...rest } = json
    expectFailure(await api.register(rest), 400, `Missing required field: ${field}`)
    for (const wrong of [null, 5, true, [], {}, '']) {
      expectFailure(await api.register({ ...json, [field]: wrong }), 400, `Invalid ${field}`, JSON.stringify(wrong))
    }
  }
  expectFailure(await api.register({ ...json, full_name: '   ' }), 400, 'Invalid full_name')
  expectFailure(await api.register({ ...json, tenant_name: '   ' }), 400, /tenant_name/)
  expectFailure(await api.register({ ...json, tenant_name: 'x'.repeat(101) }), 400, /tenant_name/)
  for (const email of ['no address', '@example.org', 'ada@', 'a b@example.org', `${'x'.repeat(65)}@example.org`]) {
    expectFailure(await api.register({ ...json, email }), 400, 'Invalid email address', email)
  }
  for (const body of [[], [json], 'text', 7, null]) {
    const answer = await api.register(body as never)
    expect(answer.status, JSON.stringify(body)).toBe(400)
  }
  const malformed = await api.post('/api/register', undefined, {
    raw: '{"email":',
    headers: { 'content-type': 'application/json' },
  })
  expectFailure(malformed, 400)
  expect(await api.rows('SELECT 1 FROM tenants WHERE name = $1', [json.tenant_name])).toEqual([])
})

test('T-63 a role that there is not is 400 in the validation form', async () => {
  for (const role of ['admin', 'vendor', 'root', '', 5, null]) {
    expectInvalid(await api.register(person({ role })), 'role')
  }
})

test('T-63 a password needs 8 characters of four kinds; every problem is said', async () => {
  expectFailure(await api.register(person({ password: 'Us3!' })), 400, /at least 8/)
  for (const simple of ['user123!', 'USER123!', 'Userabc!', 'User1234', 'alllowercase']) {
    expectFailure(await api.register(person({ password: simple })), 400, /upper-case/, simple)
  }
  expectFailure(await api.register(person({ password: 'user' })), 400, /at least 8.*upper-case/)
  expectFailure(await api.register(person({ password: `Aa1!${'x'.repeat(300)}` })), 400, /256/)
  expect((await api.register(person({ password: 'User123!' }))).status).toBe(201)
})

test('T-60 passwords are stored hashed, and the link token is not stored at all', async () => {
  const joined = await api.join(uniqueName('tenant'))
  const [row] = await api.rows<{ hash: string; account: string; links: string }>(
    `SELECT password_hash AS hash, row_to_json(a)::text AS account,
            (SELECT json_agg(v)::text FROM verification_tokens v WHERE v.account_id = a.id) AS links
       FROM accounts a WHERE id = $1`,
    [joined.claims.uid],
  )
  expect(row!.hash).toMatch(/^\$argon2id\$/)
  expect(row!.account).not.toContain(password)
  expect(row!.links).not.toContain(joined.verificationToken)
})

test('T-64 SQL in any field is text', async () => {
  const hostile = `x'); DROP TABLE accounts; --`
  const json = person({ full_name: hostile, tenant_name: `${uniqueName('t')} ${hostile}` })
  expect((await api.register(json)).status).toBe(201)
  const { access_token } = await api.signIn({ email: json.email, password, tenant: json.tenant_name as string })
  expect((await api.get('/api/users/me', access_token)).body).toMatchObject({ full_name: hostile })
  const { status } = await api.post('/api/login', {
    email: "' OR 1=1 --",
    password: "' OR 1=1 --",
    tenant_name: "' OR 1=1 --",
  })
  expect(status).toBe(401)
  const filtered = await api.get(`/api/users?role=${encodeURIComponent("user' OR '1'='1")}`, access_token)
  expectInvalid(filtered, 'role')
})

test('T-63 a tenant’s name with half a surrogate pair is 400, and no crash', async () => {
  for (const tenant_name of ['\ud800', 'Acme \udfff']) {
    const raw = JSON.stringify({ email: uniqueEmail(), password, full_name: 'Half', tenant_name })
    const headers = { 'content-type': 'application/json' }
    const message = 'tenant_name must have 1 to 100 characters'
    for (const path of ['/api/register', '/api/login']) {
      expectFailure(await api.post(path, undefined, { raw, headers }), 400, message)
    }
  }
})

test('T-63 an address that no mail server takes is 400', async () => {
  for (const email of ['a..b@example.org', '.a@example.org', 'a.@example.org']) {
    const json = { email, password, full_name: 'Nobody', tenant_name: uniqueName('tenant') }
    expectFailure(await api.register(json), 400, 'Invalid email address')
  }
})
