#!/usr/bin/env node
'use strict'

// The command line, whichever Node it is started by: the code is TypeScript, which Node 24 runs as it is, and an older
// one would only say that it does not know the file. So nothing here is newer than what Node 14.18 understands.
const { spawn } = require('node:child_process')
const { existsSync } = require('node:fs')
const { join } = require('node:path')

const needed = 24
const root = join(__dirname, '..')

function fail(message) {
  process.stderr.write(`${message}\n`)
  process.exitCode = 1
}

/** The Node that is installed with the other packages, if it is. */
function installedNode() {
  const program = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return existsSync(program) ? program : undefined
}

/** Runs the same command by another Node, and passes on to it the signals that only this process got. */
function runBy(node) {
  const child = spawn(node, [__filename].concat(process.argv.slice(2)), { stdio: 'inherit' })
  // A terminal sends these two to both processes, and a second one would stop the other before it has finished.
  const sentToBoth = process.stdin.isTTY ? ['SIGINT', 'SIGHUP'] : []
  const passOn = (signal) => {
    if (!sentToBoth.includes(signal)) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, passOn)
  child.on('error', (error) => fail(`${node} does not start: ${error.message}. Run \`npm ci --omit=dev\` in ${root}.`))
  child.on('exit', (code, signal) => {
    for (const one of signals) process.removeListener(one, passOn)
    if (signal) process.kill(process.pid, signal)
    else process.exitCode = code
  })
}

function main() {
  if (Number.parseInt(process.versions.node, 10) >= needed) {
    import('./src/main.ts').catch((error) => {
      const packageMissing = error.code === 'ERR_MODULE_NOT_FOUND' && !existsSync(join(root, 'node_modules', 'fastify'))
      if (!packageMissing) throw error
      fail(`The packages of Guichet are not installed: run \`npm ci --omit=dev\` in ${root}.`)
    })
    return
  }
  const node = installedNode()
  if (node) return runBy(node)
  fail(
    `Guichet needs Node.js ${needed} or newer and was started by ${process.version}: ` +
      `run \`npm ci --omit=dev\` in ${root}, which installs it beside the other packages.`,
  )
}

main()
