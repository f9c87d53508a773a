import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Type from 'typebox'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listenerOptions, plainContract, serviceToken } from '../../../tests/support/listeners.ts'
import { reply, route } from '../../contracts/_kit/contract.ts'
import { refuseAtEdge } from '../../platform/errors.ts'
import type { AccessClaims } from '../../platform/tokens/verifier.ts'
import type { Profiles } from '../../services/profiles/index.ts'
import { createListener, type ListenerOptions } from '../listener.ts'
import { openUpstream, type Upstream } from '../upstream.ts'
import { createUploads } from './upload.ts'

const mebibyte = 1_024 ** 2
const maxBytes = 5 * mebibyte
const most = 3
/** For clients that are meant to be too slow; others may meet a busy machine. */
const hasty = { idleMs: 400, totalMs: 1_500 }
const patient = { idleMs: 20_000, totalMs: 60_000 }

/** What the handler does with the file that it was given. */
let handle: (path: string, bytes: number) => Promise<unknown>

const contract = plainContract(
  [
    route('profiles', 'POST', '/picture', {
      summary: 'Take a picture',
      access: 'person',
      limit: 'upload',
      upload: { field: 'picture', maxBytes },
      replies: { 200: Type.Object({ answer: Type.Unknown() }) },
      async handler(_profiles, { upload, header }) {
        return reply(200, { answer: (await handle(upload.path, upload.bytes)) ?? header('user-agent') })
      },
    }),
    route('profiles', 'GET', '/picture', {
      summary: 'Show a picture',
      access: 'public',
      bytes: true,
      replies: { 200: Type.Unknown() },
      handler: async () => reply(200, Uint8Array.of(0, 255, 254), { 'content-type': 'image/jpeg' }),
    }),
  ],
  { name: 'pictures', failure: ({ code }) => ({ code }) },
)

const good = 'good'
const verifierOf: ListenerOptions['verifierOf'] = () => ({
  async verify(token) {
    if (token !== good) throw refuseAtEdge('edge.invalid_token')
    return { uid: '01900000-0000-7000-8000-000000000001' } as AccessClaims
  },
  verifySeen: () => undefined,
})

const optionsOf = (uploads: ListenerOptions['uploads'], gateway: boolean) =>
  listenerOptions(contract, {
    unit: { name: gateway ? 'gateway' : 'service', host: '127.0.0.1', port: 0, services: ['profiles'], gateway },
    verifierOf,
    uploads,
  })

interface Arranged {
  port: number
  /** Where files come in. */
  directory: string
  upstream: Upstream | undefined
  stop(): Promise<void>
}

async function mounted(options: Partial<Parameters<typeof createUploads>[0]> = {}): Promise<Arranged> {
  const folder = await mkdtemp(join(tmpdir(), 'guichet-test-'))
  const directory = join(folder, 'uploads')
  const uploads = createUploads({ directory, most, ...patient, ...options })
  const service = await createListener({
    ...optionsOf(uploads, false),
    // No handler here asks it anything.
    local: { profiles: {} as Profiles },
    internal: { token: serviceToken, routes: () => undefined },
  })
  await service.listen({ host: '127.0.0.1', port: 0 })
  const { port } = service.server.address() as AddressInfo
  return {
    port,
    directory,
    upstream: undefined,
    async stop() {
      await service.close()
      await rm(folder, { recursive: true })
    },
  }
}

async function forwarded(options: Partial<Parameters<typeof createUploads>[0]> = {}): Promise<Arranged> {
  const service = await mounted({ most: 50 })
  const upstream = openUpstream({ url: `http://127.0.0.1:${service.port}`, token: serviceToken, deadlineMs: 1_000 })
  // It takes nothing in: a folder that cannot be made shows that.
  const uploads = createUploads({ directory: '/dev/null/uploads', most, ...patient, ...options })
  const gateway = await createListener({ ...optionsOf(uploads, true), upstreams: { profiles: upstream } })
  await gateway.listen({ host: '127.0.0.1', port: 0 })
  const { port } = gateway.server.address() as AddressInfo
  return {
    port,
    directory: service.directory,
    upstream,
    async stop() {
      await gateway.close()
      await upstream.close()
      await service.stop()
    },
  }
}

const boundary = 'an-unlikely-boundary'
const formType = `multipart/form-data; boundary=${boundary}`
const filePart = (name: string, content: Buffer | string, filename = 'me.jpg') =>
  Buffer.concat([
    Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"; filename="${filename}"\r\n`),
    Buffer.from('content-type: image/jpeg\r\n\r\n'),
    Buffer.from(content),
    Buffer.from('\r\n'),
  ])
const fieldPart = (name: string, value: string) =>
  Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
const end = Buffer.from(`--${boundary}--\r\n`)
const form = (...parts: Buffer[]) => Buffer.concat([...parts, end])

/** A body whose length nobody states. */
const inPieces = (body: Buffer, size = 65_536) =>
  new ReadableStream({
    start(controller) {
      for (let from = 0; from < body.length; from += size) controller.enqueue(body.subarray(from, from + size))
      controller.close()
    },
  })

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const soon = { timeout: 5_000, interval: 20 }

describe.each([
  ['in its process', mounted],
  ['through a gateway', forwarded],
])('a file that is sent to a route %s', (_where, arrange) => {
  let at: Arranged
  beforeEach(async () => {
    handle = async (path, bytes) => ({ sha256: sha256(await readFile(path)), bytes })
    at = await arrange()
  })
  afterEach(() => at.stop())

  const send = async (body: Buffer | ReadableStream, headers: Record<string, string> = {}) => {
    const answer = await fetch(`http://127.0.0.1:${at.port}/picture`, {
      method: 'POST',
      body: body as RequestInit['body'],
      headers: { authorization: `Bearer ${good}`, 'content-type': formType, ...headers },
      // Wanted by fetch for bodies that come in pieces.
      duplex: 'half',
    } as RequestInit)
    return { status: answer.status, body: (await answer.json()) as { code?: string; answer?: unknown }, answer }
  }
  const domainError = async (body: Buffer | ReadableStream, headers?: Record<string, string>) => {
    const { status, body: said } = await send(body, headers)
    return `${status} ${said.code}`
  }
  const nothingIsLeft = async () => {
    await expect.poll(() => readdir(at.directory).catch(() => []), soon).toEqual([])
    await expect.poll(() => at.upstream?.inFlight() ?? 0, soon).toBe(0)
  }
  /** Opens a connection and sends the head of an upload; what comes back is collected. */
  const open = async (headers: readonly string[], ...pieces: (string | Buffer)[]) => {
    const socket: Socket = connect(at.port, '127.0.0.1')
    socket.on('error', () => undefined)
    const received = { text: '', closed: false }
    socket.on('data', (chunk) => {
      received.text += chunk
    })
    socket.on('close', () => {
      received.closed = true
    })
    const head = [
      'POST /picture HTTP/1.1',
      'host: pictures',
      `authorization: Bearer ${good}`,
      `content-type: ${formType}`,
      ...headers,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    for (const piece of pieces) socket.write(piece)
    return { socket, received }
  }

  test('is handed to the handler as it was, private, and gone when the request is answered', async () => {
    const content = randomBytes(maxBytes)
    const modes: number[] = []
    const whole = handle
    handle = async (path, bytes) => {
      modes.push((await stat(path)).mode & 0o777, (await stat(at.directory)).mode & 0o777)
      return whole(path, bytes)
    }
    const body = form(fieldPart('note', 'mine'), filePart('picture', content), fieldPart('after', 'x'))
    const { status, body: said } = await send(body)
    expect([status, said]).toEqual([200, { answer: { sha256: sha256(content), bytes: maxBytes } }])
    expect(modes).toEqual([0o600, 0o700])
    await nothingIsLeft()
  })

  test('may come in pieces, without a length, between bytes that mean nothing', async () => {
    const content = randomBytes(300_000)
    const body = Buffer.concat([Buffer.from('preamble\r\n'), form(filePart('picture', content)), randomBytes(5_000)])
    const { body: said } = await send(inPieces(body, 1_013))
    expect(said).toEqual({ answer: { sha256: sha256(content), bytes: 300_000 } })
  })

  test.each([
    ['no file', form(fieldPart('note', 'mine'))],
    ['a text in its field', form(fieldPart('picture', 'mine'))],
    ['an empty file', form(filePart('picture', ''))],
    ['an empty choice', form(filePart('picture', '', ''))],
    ['two files', form(filePart('picture', 'one'), filePart('picture', 'two'))],
    ['a second file elsewhere', form(filePart('picture', 'one'), filePart('other', 'two'))],
    ['a wrong field', form(filePart('avatar', 'one'))],
    ['a field of objects', form(filePart('__proto__', 'one'))],
    ['a form that breaks off', filePart('picture', 'one')],
    [
      'a form that breaks off in its second file',
      Buffer.concat([filePart('picture', 'one'), filePart('other', 'two')]),
    ],
    ['a form that breaks off in its header', filePart('picture', 'one').subarray(0, 60)],
    ['another boundary', Buffer.from(form(filePart('picture', 'one')).toString().replaceAll(boundary, 'other'))],
    [
      'many fields',
      form(...Array.from({ length: 30 }, (_, index) => fieldPart(`f${index}`, 'x')), filePart('picture', 'x')),
    ],
    ['nothing', Buffer.alloc(0)],
  ])('%s is refused', async (_what, body) => {
    expect(await domainError(body)).toBe('400 profiles.upload_missing')
    await nothingIsLeft()
  })

  test.each(['application/json', 'image/jpeg', 'multipart/form-data', 'multipart/mixed; boundary=x', ';;;'])(
    '%s is no form',
    async (type) => {
      expect(await domainError(form(filePart('picture', 'one')), { 'content-type': type })).toBe(
        '400 profiles.upload_missing',
      )
      await nothingIsLeft()
    },
  )

  test('of 6 MiB is too large, said before it is read, and the connection ends', async () => {
    const { received, socket } = await open(['content-length: 6291456'], filePart('picture', 'first bytes'))
    await expect.poll(() => received.text, soon).toContain('{"code":"profiles.upload_too_large"}')
    expect(received.text).toMatch(/^HTTP\/1\.1 400 /)
    expect(received.text.toLowerCase()).toContain('\r\nconnection: close\r\n')
    await expect.poll(() => received.closed, soon).toBe(true)
    socket.destroy()
    await nothingIsLeft()
  })

  test.each(['with', 'without'])('of 6 MiB %s its length is refused whoever the client is', async (how) => {
    const body = form(filePart('picture', randomBytes(6 * mebibyte)))
    expect(await domainError(how === 'with' ? body : inPieces(body))).toBe('400 profiles.upload_too_large')
    // A client that reads no answer before it has sent everything.
    const { socket, received } = await open([
      how === 'with' ? `content-length: ${body.length}` : 'transfer-encoding: chunked',
    ])
    socket.pause()
    const framed = how === 'with' ? [body] : [`${body.length.toString(16)}\r\n`, body, '\r\n0\r\n\r\n']
    await new Promise<void>((resolve, reject) => {
      socket.write(Buffer.concat(framed.map((one) => Buffer.from(one))), (error) => (error ? reject(error) : resolve()))
    })
    socket.resume()
    await expect.poll(() => received.text, soon).toContain('{"code":"profiles.upload_too_large"}')
    socket.destroy()
    await nothingIsLeft()
  })

  test('one byte over its limit is too large, also in a form that is not', async () => {
    expect(await domainError(form(filePart('picture', randomBytes(maxBytes + 1))))).toBe(
      '400 profiles.upload_too_large',
    )
    await nothingIsLeft()
  })

  test('that never ends is cut off', async () => {
    const { socket, received } = await open(['transfer-encoding: chunked'])
    const piece = randomBytes(64 * 1_024)
    const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
    const head = filePart('picture', 'x').subarray(0, -2)
    socket.write(Buffer.concat([Buffer.from(`${head.length.toString(16)}\r\n`), head, Buffer.from('\r\n')]))
    let sent = 0
    const pump = () => {
      while (!received.closed && sent < 256 * mebibyte) {
        sent += piece.length
        if (!socket.write(chunk)) return socket.once('drain', pump)
      }
    }
    pump()
    await expect.poll(() => received.closed, soon).toBe(true)
    expect(received.text).toContain('{"code":"profiles.upload_too_large"}')
    expect(sent).toBeLessThan(64 * mebibyte)
    await nothingIsLeft()
  })

  const hurry = async () => {
    await at.stop()
    at = await arrange(hasty)
  }

  test('whose client stalls is given up, with an answer', async () => {
    await hurry()
    for (const pieces of [[], ['--an-unl'], [filePart('picture', 'the first bytes').subarray(0, -2)]]) {
      const start = performance.now()
      const { received, socket } = await open(['content-length: 100000'], ...pieces)
      await expect.poll(() => received.text, soon).toContain('{"code":"edge.request_timeout"}')
      expect(received.text).toMatch(/^HTTP\/1\.1 408 /)
      expect(performance.now() - start).toBeGreaterThan(hasty.idleMs - 50)
      // At once, and not when the connection ends.
      await expect.poll(() => at.upstream?.inFlight() ?? 0, { timeout: 1_000, interval: 20 }).toBe(0)
      await nothingIsLeft()
      socket.destroy()
    }
  })

  test('whose client sends a byte now and then is given up as well', async () => {
    await hurry()
    const { received, socket } = await open(['content-length: 100000'], filePart('picture', 'x').subarray(0, -2))
    const drip = setInterval(() => socket.write('x'), hasty.idleMs / 8)
    await expect.poll(() => received.text, soon).toContain('{"code":"edge.request_timeout"}')
    clearInterval(drip)
    socket.destroy()
    await nothingIsLeft()
  })

  test('that is worked on for longer than a client may be silent is answered', async () => {
    await hurry()
    handle = () => new Promise((resolve) => setTimeout(() => resolve('done'), hasty.idleMs * 2))
    expect((await send(form(filePart('picture', 'one')))).body).toEqual({ answer: 'done' })
  })

  test('that is preceded by more than a form may have is too large', async () => {
    const endless = Buffer.concat([Buffer.alloc(6 * mebibyte, 'x'), form(filePart('picture', 'one'))])
    expect(await domainError(inPieces(endless))).toBe('400 profiles.upload_too_large')
    await nothingIsLeft()
  })

  test('whose client goes away leaves nothing', async () => {
    for (const size of [1, 200_000]) {
      const part = filePart('picture', randomBytes(size)).subarray(0, -2)
      const { socket } = await open(['content-length: 1000000'], part)
      await expect.poll(() => readdir(at.directory).catch(() => []), soon).toHaveLength(1)
      socket.destroy()
      await nothingIsLeft()
    }
    expect((await send(form(filePart('picture', 'one')))).status).toBe(200)
  })

  test('whose client goes away while it is worked on goes when the work is done', async () => {
    const working = Promise.withResolvers<void>()
    handle = () => working.promise
    const body = form(filePart('picture', 'one'))
    const { socket } = await open([`content-length: ${body.length}`], body)
    await expect.poll(() => readdir(at.directory).catch(() => []), soon).toHaveLength(1)
    socket.destroy()
    working.resolve()
    await nothingIsLeft()
  })

  test('goes when its handler fails', async () => {
    handle = () => Promise.reject(new Error('a defect'))
    expect(await domainError(form(filePart('picture', 'one')))).toBe('500 edge.internal')
    await nothingIsLeft()
  })

  test.each([
    ['a wrong token', 'bad', 'edge.invalid_token'],
    ['no token', '', 'edge.missing_token'],
  ])('with %s is refused before a byte of it was sent', async (_what, token, code) => {
    const socket = connect(at.port, '127.0.0.1')
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.write(
      `POST /picture HTTP/1.1\r\nhost: pictures\r\n${token && `authorization: Bearer ${token}\r\n`}content-type: ${formType}\r\ncontent-length: 1000\r\n\r\n`,
    )
    await expect.poll(() => text, soon).toContain(`{"code":"${code}"}`)
    socket.destroy()
    await nothingIsLeft()
  })

  test('beside as many others as are taken in is refused, and taken when they are through', async () => {
    const held = await Promise.all(Array.from({ length: most }, () => open(['content-length: 100000'], '--')))
    await expect.poll(() => readdir(at.directory).catch(() => []), soon).toHaveLength(most)
    expect(await domainError(form(filePart('picture', 'one')))).toBe('503 profiles.busy')
    for (const { socket } of held) socket.destroy()
    await nothingIsLeft()
    expect((await send(form(filePart('picture', 'one')))).status).toBe(200)
  })

  test('keeps its connection when all of it was read', async () => {
    const { answer } = await send(form(filePart('picture', 'one')))
    expect(answer.headers.get('connection')).not.toBe('close')
    handle = async () => undefined
    expect((await send(form(filePart('picture', 'one')), { 'user-agent': 'camera' })).body).toEqual({
      answer: 'camera',
    })
  })

  test('is answered when what follows the form has come as well, and the connection goes on', async () => {
    const body = form(filePart('picture', 'one'))
    const { socket, received } = await open([`content-length: ${body.length + 20_000}`], body)
    await expect.poll(() => readdir(at.directory).catch(() => []), soon).toHaveLength(1)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(received.text).toBe('')
    socket.write(Buffer.alloc(20_000))
    await expect.poll(() => received.text, soon).toMatch(/^HTTP\/1\.1 200 /)
    expect(received.text.toLowerCase()).not.toContain('connection: close')
    socket.destroy()
  })

  test('comes back as bytes', async () => {
    const answer = await fetch(`http://127.0.0.1:${at.port}/picture`)
    expect(answer.headers.get('content-type')).toBe('image/jpeg')
    expect([...new Uint8Array(await answer.arrayBuffer())]).toEqual([0, 255, 254])
  })
})

describe('the folder for files', () => {
  const post = (port: number) =>
    fetch(`http://127.0.0.1:${port}/picture`, {
      method: 'POST',
      body: new Uint8Array(form(filePart('picture', 'one'))),
      headers: { authorization: `Bearer ${good}`, 'content-type': formType },
    })

  test('loses what a killed process left in it, after an hour', async () => {
    handle = async () => 'done'
    const at = await mounted()
    await mkdir(at.directory, { mode: 0o700 })
    for (const name of ['old', 'new']) await writeFile(join(at.directory, name), 'half a picture')
    const longAgo = new Date(Date.now() - 2 * 3_600_000)
    await utimes(join(at.directory, 'old'), longAgo, longAgo)
    expect((await post(at.port)).status).toBe(200)
    expect(await readdir(at.directory)).toEqual(['new'])
    await at.stop()
  })

  test('is not used when others can look into it', async () => {
    handle = async () => 'done'
    const at = await mounted()
    await mkdir(at.directory)
    await chmod(at.directory, 0o755)
    expect((await post(at.port)).status).toBe(503)
    await chmod(at.directory, 0o700)
    expect((await post(at.port)).status).toBe(200)
    await at.stop()
  })
})

describe('behind a gateway', () => {
  test('a service that is away is said to be, and one that is slow after the file was sent', async () => {
    const at = await forwarded()
    handle = () => new Promise((resolve) => setTimeout(resolve, 3_000))
    const post = async (port: number) => {
      const answer = await fetch(`http://127.0.0.1:${port}/picture`, {
        method: 'POST',
        body: new Uint8Array(form(filePart('picture', randomBytes(mebibyte)))),
        headers: { authorization: `Bearer ${good}`, 'content-type': formType },
      })
      return [answer.status, await answer.json()]
    }
    expect(await post(at.port)).toEqual([504, { code: 'edge.timeout' }])
    await at.stop()

    const upstream = openUpstream({ url: 'http://127.0.0.1:1', token: serviceToken, deadlineMs: 1_000 })
    const uploads = createUploads({ directory: '/dev/null/uploads' })
    const gateway = await createListener({ ...optionsOf(uploads, true), upstreams: { profiles: upstream } })
    await gateway.listen({ host: '127.0.0.1', port: 0 })
    expect(await post((gateway.server.address() as AddressInfo).port)).toEqual([503, { code: 'edge.unavailable' }])
    await gateway.close()
    await upstream.close()
  })
})
