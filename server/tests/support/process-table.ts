import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The live processes that were started with `NAME=value` in their environment. */
export async function processesWith(variable: string): Promise<{ pid: number; command: string }[]> {
  return process.platform === 'linux' ? fromProc(variable) : fromPs(variable)
}

async function fromProc(variable: string) {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Others' processes cannot be read, and some end meanwhile: none of those is ours. A zombie's environment is empty.
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '')
      const [environment, command] = await Promise.all([read('environ'), read('cmdline')])
      if (!environment.split('\0').includes(variable)) return []
      return [{ pid: Number(pid), command: command.replaceAll('\0', ' ') }]
    }),
  )
  return found.flat()
}

async function fromPs(variable: string) {
  const { stdout } = await run('ps', ['-axEww', '-o', 'pid=,command='])
  return stdout
    .split('\n')
    .filter((line) => line.includes(` ${variable} `) || line.endsWith(` ${variable}`))
    .map((line) => ({ pid: Number.parseInt(line, 10), command: line.trim() }))
}
