import { connect } from 'node:net'
import { expect, inject, test } from 'vitest'

const mebibyte = 1_024 ** 2
const { gateway } = inject('arrangement').urls
const tooLarge = { success: false, error: { code: 'PAYLOAD_TOO_LARGE' } }

/** A body that nobody takes, for a route that a gateway of its own would forward. */
const body = (bytes: number): string => `{"username":"${'x'.repeat(bytes)}","password":"x"}`

test('S-41 thirty uploads of 10 MB by fetch are all answered with 413', { timeout: 120_000 }, async () => {
  const content = body(10 * mebibyte)
  for (let turn = 1; turn <= 30; turn += 1) {
    const answer = await fetch(`${gateway}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: content,
    })
    expect({ turn, status: answer.status, body: await answer.json() }).toMatchObject({ status: 413, body: tooLarge })
  }
})

test('S-41 thirty uploads of 20 MB without a length by fetch are all answered with 413', {
  timeout: 120_000,
}, async () => {
  const piece = Buffer.from('x'.repeat(mebibyte))
  for (let turn = 1; turn <= 30; turn += 1) {
    const answer = await fetch(`${gateway}/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: ReadableStream.from(Array(20).fill(piece)),
      duplex: 'half',
    })
    expect({ turn, status: answer.status, body: await answer.json() }).toMatchObject({ status: 413, body: tooLarge })
  }
})

test('S-41 thirty clients that read no answer before they have sent 20 MB all get the 413', {
  timeout: 120_000,
}, async () => {
  const content = Buffer.from(body(20 * mebibyte))
  for (let turn = 1; turn <= 30; turn += 1) {
    const text = await sendThenRead(content)
    expect({ turn, status: /^HTTP\/1\.1 (\d+) /.exec(text)?.[1] }).toEqual({ turn, status: '413' })
    expect(JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))).toMatchObject(tooLarge)
    expect(text.toLowerCase()).toContain('\r\nconnection: close\r\n')
  }
})

/** One request as Python's urllib sends it: all of it, and only then the answer is read, to the end of the connection. */
function sendThenRead(content: Buffer): Promise<string> {
  const { hostname, port } = new URL(gateway)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let text = ''
    socket.setEncoding('utf8').pause()
    socket.on('error', reject)
    socket.on('close', () => resolve(text))
    const head = `POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${content.length}`
    socket.write(Buffer.concat([Buffer.from(`${head}\r\n\r\n`), content]), () => {
      socket.on('data', (piece: string) => {
        text += piece
      })
      socket.resume()
    })
  })
}
