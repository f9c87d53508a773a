import { connect } from 'node:net'

/** What came back on a raw connection; `undefined` when the server closed it without a word. */
export interface RawAnswer {
  status: number
  headers: Readonly<Record<string, string>>
  body: string
}

export interface RawRequest {
  method: string
  /** As it goes over the wire, one byte a character. */
  target: string
  headers: readonly (readonly [name: string, value: string])[]
  body: Buffer
}

/** The bytes of a request that the server is to answer and close. */
export const bytesOf = ({ method, target, headers, body }: RawRequest): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        `${method} ${target} HTTP/1.1`,
        'Host: localhost',
        'Connection: close',
        ...headers.map(([name, value]) => `${name}: ${value}`),
        `Content-Length: ${body.length}`,
        '\r\n',
      ].join('\r\n'),
      'latin1',
    ),
    body,
  ])

/** Sends bytes as they are on a connection of their own, and reads until it is closed; rejects at the deadline. */
export function exchange(port: number, bytes: Buffer, deadlineMs = 5_000): Promise<RawAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1')
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end of the answer within ${deadlineMs} ms, after ${JSON.stringify(text().slice(0, 300))}`))
    }, deadlineMs)
    const text = () => Buffer.concat(chunks).toString()
    socket.on('data', (chunk: Buffer) => void chunks.push(chunk))
    // A server that refuses a request may close before all of it was sent.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(timer)
      try {
        resolve(parse(text()))
      } catch (error) {
        reject(error)
      }
    })
    socket.write(bytes)
  })
}

function parse(text: string): RawAnswer | undefined {
  if (text === '') return undefined
  const [, status, head, body] = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(.*?)\r\n\r\n(.*)$/s.exec(text) ?? []
  if (status === undefined || head === undefined || body === undefined)
    throw new Error(`this is no HTTP answer: ${JSON.stringify(text.slice(0, 300))}`)
  const headers = Object.fromEntries(
    head
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  )
  return { status: Number(status), headers, body: headers['transfer-encoding'] === 'chunked' ? unchunked(body) : body }
}

/** Answers here are JSON; a chunk's length counts bytes, so it is not relied on. */
const unchunked = (body: string): string => body.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/g, '').replace(/\r\n$/, '')
