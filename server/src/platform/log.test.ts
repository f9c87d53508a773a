import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const dir = mkdtempSync(join(tmpdir(), 'guichet-log-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** Runs a module in a process of its own, since what is asked is what is on the disk after its end. */
function run(script: string) {
  const module = `import { createLogger, openLogger } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}\n${script}`
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', module], {
    encoding: 'utf8',
    timeout: 30_000,
    maxBuffer: 64 * 1_024 ** 2,
  })
  return { status, lines: stderr.trim().split('\n') }
}

const messages = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg)

describe('a log file', () => {
  const path = join(dir, 'logs', 'deep', 'user_service.log')
  const sizeBytes = 20 * 1_024
  const file = JSON.stringify({ path, sizeBytes, count: 3 })
  const numbered = () =>
    readdirSync(join(dir, 'logs', 'deep'))
      .filter((name) => /^user_service\.\d+\.log$/.test(name))
      .sort((one, other) => Number(one.split('.')[1]) - Number(other.split('.')[1]))
  const read = (name: string) => readFileSync(join(dir, 'logs', 'deep', name), 'utf8')

  test('has what stderr has, to the last line before the exit, and is replaced when it is full', () => {
    const { status, lines } = run(`
      import { setTimeout } from 'node:timers/promises'
      const { log } = await openLogger({ logLevel: 'info', logFile: ${file} }, { unit: 'u', instance: 'u-1' })
      log.debug('too quiet')
      for (let index = 0; index < 2000; index += 1) {
        log.info({ filler: 'x'.repeat(100) }, 'line ' + index)
        if (index % 50 === 0) await setTimeout(2)
      }
      // An exit in the middle of a replacement would leave the last lines to stderr alone.
      await setTimeout(200)
      log.info('the last')
      process.exit(3)
    `)
    expect(status).toBe(3)
    expect(lines).toHaveLength(2_001)

    const files = numbered()
    expect(Number(files.at(-1)?.split('.')[1]), 'it was replaced several times').toBeGreaterThan(4)
    expect(files.length).toBeGreaterThanOrEqual(2)
    expect(files.length, 'old ones are removed').toBeLessThanOrEqual(4)
    for (const name of files.slice(0, -1)) {
      const { size } = statSync(join(dir, 'logs', 'deep', name))
      // What is on its way when a file is replaced counts for one and lies in the next.
      expect(size).toBeGreaterThan(0)
      expect(size).toBeLessThan(4 * sizeBytes)
    }
    expect(readlinkSync(path), 'the plain name leads to the one being written').toBe(files.at(-1))
    const kept = files.flatMap((name) => messages(read(name)))
    expect(kept, 'no line is lost from the oldest file kept to the end').toEqual(
      messages(lines.slice(-kept.length).join('\n')),
    )
    expect(kept.at(-1)).toBe('the last')
  })

  test('goes on where the process before ended', () => {
    const before = numbered().at(-1) ?? ''
    run(
      `(await openLogger({ logLevel: 'info', logFile: ${file} }, { unit: 'u', instance: 'u-1' })).log.info('another process')`,
    )
    expect(messages(read(before)).slice(-2)).toEqual(['the last', 'another process'])
  })

  test('that cannot be opened stops the start and says why', () => {
    const inTheWay = join(dir, 'file')
    writeFileSync(inTheWay, '')
    const { status, lines } = run(
      `await openLogger({ logLevel: 'info', logFile: { path: '${inTheWay}/x.log', sizeBytes: 1024, count: 1 } }, { unit: 'u', instance: 'u-1' })`,
    )
    expect(status).toBe(1)
    expect(lines.join('\n')).toMatch(/StartError: The log file .*x\.log cannot be opened: .*GUICHET_LOG_FILE/)
  })

  test('on a full disk loses lines, counts them, and says how many once there is room', () => {
    const { status, lines } = run(`
      import fs from 'node:fs'
      const { log, dropped } = await openLogger({ logLevel: 'info', logFile: ${JSON.stringify({ path: join(dir, 'full', 'x.log'), sizeBytes: 64 * 1_024 ** 2, count: 1 })} }, { unit: 'u', instance: 'u-1' })
      const { write } = fs
      fs.write = (fd, ...rest) => rest.at(-1)(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }))
      for (let index = 0; index < 110; index += 1) {
        log.info('x'.repeat(100_000))
        await new Promise(setImmediate)
      }
      const lost = dropped()
      fs.write = write
      log.info('there is room')
      const written = () => fs.readFileSync(${JSON.stringify(join(dir, 'full', 'x.log'))}, 'utf8')
      while (!written().includes('"lines":' + lost)) await new Promise((resolve) => setTimeout(resolve, 10))
      process.exit(lost > 20 && lost < 40 ? 0 : 1)
    `)
    expect(status).toBe(0)
    const said = lines.map((line) => JSON.parse(line)).filter(({ msg }) => !/^x+$/.test(msg))
    expect(said.map(({ msg }) => msg)).toEqual([
      'the log file cannot be written',
      'there is room',
      'lines of the log were dropped: they could not be written',
    ])
  })

  test('is not made when none is wanted', () => {
    const { lines } = run(
      `(await openLogger({ logLevel: 'info' }, { unit: 'u', instance: 'u-1' })).log.info('only here')`,
    )
    expect(messages(lines.join('\n'))).toEqual(['only here'])
  })
})

describe('the form of a line', () => {
  const line = (format = 'undefined') =>
    `const { log, logOf } = await openLogger({ logLevel: 'info', logFormat: ${format} }, { unit: 'shop', instance: 'one' })
     log.info('started'); logOf('gateway').warn({ token: 'hunter2', id: 7 }, 'asked')`

  test('is JSON where nobody looks, and names unit and instance', () => {
    const [first, second] = run(line()).lines.map((one) => JSON.parse(one))
    expect(first).toMatchObject({ level: 30, unit: 'shop', instance: 'one', msg: 'started' })
    expect(second).toMatchObject({ level: 40, unit: 'gateway', instance: 'one', msg: 'asked', token: '[redacted]' })
  })

  test('is for people where GUICHET_LOG_FORMAT says so, without colours and secrets', () => {
    expect(run(line(`'text'`)).lines).toEqual([
      expect.stringMatching(/^[\d:.]{12} INFO {2}shop\/one started$/),
      expect.stringMatching(/^[\d:.]{12} WARN {2}gateway\/one asked token="\[redacted\]" id=7$/),
    ])
  })

  test.each([
    { where: 'a terminal', environment: {}, format: undefined, form: /\[33mWARN .\[39m gateway\/one asked/ },
    {
      where: 'a terminal with NO_COLOR',
      environment: { NO_COLOR: '1' },
      format: undefined,
      form: /WARN {2}gateway\/one asked/,
    },
    {
      where: 'a terminal that is dumb',
      environment: { TERM: 'dumb' },
      format: undefined,
      form: /WARN {2}gateway\/one asked/,
    },
    {
      where: 'a terminal with the format json',
      environment: {},
      format: `'json'`,
      form: /"unit":"gateway","instance":"one"/,
    },
  ])('on $where fits it', ({ environment, format, form }) => {
    const file = join(dir, 'terminal.mjs')
    writeFileSync(
      file,
      `import { openLogger } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}\n${line(format)}`,
    )
    // `script` makes a terminal for it, and writes what that shows.
    const { stdout } = spawnSync('script', ['-qec', `${process.execPath} ${file}`, '/dev/null'], {
      encoding: 'utf8',
      timeout: 30_000,
      env: { PATH: process.env.PATH, TERM: 'xterm-256color', ...environment },
    })
    expect(stdout).toMatch(form)
    if (format || 'NO_COLOR' in environment || 'TERM' in environment) expect(stdout).not.toContain('\u001b[')
  })
})

describe('secrets', () => {
  test.each([
    'password',
    'newPassword',
    'new_password',
    'current_password',
    'password_confirmation',
    'confirmPassword',
    'token',
    'accessToken',
    'refreshToken',
    'sessionToken',
    'verification_token',
    'reset_token',
    'mfa_code',
  ])('%s is never written, at any of three depths', (field) => {
    const { lines } = run(`
      const log = createLogger({ logLevel: 'info' })
      const secret = { ${field}: 'hunter2' }
      log.info({ ...secret, body: secret, request: { body: secret } }, 'said')
    `)
    expect(lines.join('')).not.toContain('hunter2')
    expect(lines.join('').match(/\[redacted\]/g)).toHaveLength(3)
  })

  test('a mailed code is not written, the code of an error is', () => {
    const { lines } = run(`
      const log = createLogger({ logLevel: 'info' })
      for (const code of ['482913', 482913, 'ECONNREFUSED', 'ERR_HTTP_HEADERS_SENT', '23505', 'identity.invalid_code'])
        log.info({ body: { code } }, 'said')
    `)
    const written = lines.map((line) => JSON.parse(line).body.code)
    expect(written).toEqual([
      '[redacted]',
      '[redacted]',
      'ECONNREFUSED',
      'ERR_HTTP_HEADERS_SENT',
      '23505',
      'identity.invalid_code',
    ])
  })

  test('those of an error, of a list and by a child logger are found too, and what was logged stays as it was', () => {
    const { lines, status } = run(`
      const log = createLogger({ logLevel: 'info' })
      const logged = { list: [{ token: 'hunter2', id: 7 }], when: new Date(0) }
      log.info(logged, 'said')
      log.error(Object.assign(new Error('broken'), { code: 'ECONNRESET', config: { password: 'hunter2' } }))
      log.child({ id: 1 }).info({ session: { refreshToken: 'hunter2' } }, 'said')
      process.exitCode = logged.list[0].token === 'hunter2' ? 0 : 1
    `)
    expect(status).toBe(0)
    expect(lines.join('')).not.toContain('hunter2')
    const [first, second, third] = lines.map((line) => JSON.parse(line))
    expect(first).toMatchObject({ list: [{ token: '[redacted]', id: 7 }], when: '1970-01-01T00:00:00.000Z' })
    expect(second).toMatchObject({ err: { message: 'broken', code: 'ECONNRESET', config: { password: '[redacted]' } } })
    expect(third).toMatchObject({ session: { refreshToken: '[redacted]' } })
  })
})

test('whoever reads stderr may go away: the process ends all the same', () => {
  // The shell ends the reader before the lines of the exit are written.
  const script = `import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'log.ts'))}
    import { setTimeout } from 'node:timers/promises'
    await setTimeout(300)
    const log = createLogger({ logLevel: 'info' })
    for (let line = 0; line < 100; line += 1) log.info('x'.repeat(1_000))
    process.exit(3)`
  const { status, signal } = spawnSync(
    'bash',
    [
      '-c',
      `set -o pipefail; { "$0" --input-type=module -e "$1" 2>&1; } | :; exit "\${PIPESTATUS[0]}"`,
      process.execPath,
      script,
    ],
    { timeout: 10_000 },
  )
  expect({ status, signal }).toEqual({ status: 3, signal: null })
})
