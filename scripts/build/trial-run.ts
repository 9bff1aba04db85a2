/**
 * A short life of Gatehouse, from which the code caches are taken (record-chunks.ts): it starts, serves, reloads, is
 * asked for its status and stops. The caches differ between builds, because V8 seeds its hashes in each process; what
 * they do does not.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { freePorts } from '../../test/e2e/support/free-ports.ts'

/** Uses what nearly every config file uses. */
const config = (upstream: number) => `
gateway:
  listeners: { http: { address: "127.0.0.1:\${GATEHOUSE_PORT:-0}" } }
  response: { headers: { X-Content-Type-Options: nosniff } }
  routes:
    - { path: /api/*, to: api }
    - { files: { root: www, fallback: index.html } }
processes:
  api: { command: [${JSON.stringify(process.execPath)}, api.cjs], port: ${upstream}, ready: { http: /health, deadline: 60s } }
storage: storage
control: { socket: control.sock }
`

const program = (port: number) => `
require('node:http').createServer((_, response) => response.end('hello')).listen(${port}, '127.0.0.1')
`

export interface TrialRun {
  /** Of the chunks; the caches are written there. */
  readonly folder: string
  readonly main: string
  /** The first chunk of each other thread by the name of the script that starts it. */
  readonly threads: Readonly<Record<string, string>>
}

/** Resolves with the names of the caches. Rejects if anything in this life is not as it should be. */
export async function trialRun({ folder, main, threads }: TrialRun): Promise<readonly string[]> {
  const home = join(folder, 'trial')
  mkdirSync(join(home, 'www'), { recursive: true })
  const [port = 0] = await freePorts(1)
  writeFileSync(join(home, 'gatehouse.yaml'), config(port))
  writeFileSync(join(home, 'api.cjs'), program(port))
  writeFileSync(join(home, 'www/index.html'), '<!doctype html><title>trial</title>')
  const script = join(folder, 'trial.cjs')
  writeFileSync(script, recordingScript(folder, main, threads))
  const options = {
    cwd: home,
    // With a variable that Node reads itself, Gatehouse would execute the binary again, which there is not yet.
    env: { PATH: process.env.PATH },
    // It takes two seconds.
    timeout: 60_000,
    killSignal: 'SIGKILL',
  } as const
  const start = (...words: string[]) => spawn(process.execPath, [script, ...words], options)

  const run = start('run', 'gatehouse.yaml')
  try {
    const lines = new LogLines(run)
    const { url } = await lines.next('ready')
    for (const path of ['/', '/', '/api/hello', '/api/hello']) {
      const { ok, status } = await fetch(`${url}${path}`)
      if (!ok) throw new Error(`GET ${path} answered ${status} in the trial run`)
    }
    run.kill('SIGHUP')
    await lines.next('reloaded')
    for (const words of [['status'], ['healthcheck'], ['check'], ['--version']]) await success(start(...words), words)
    run.kill('SIGTERM')
    await success(run, ['run'])
  } finally {
    run.kill('SIGKILL')
  }
  const caches = readdirSync(folder).filter((name) => name.endsWith('.cache'))
  for (const first of [main, ...Object.values(threads)])
    if (!caches.includes(`${first}.cache`)) throw new Error(`the trial run has left no code cache of ${first}`)
  return caches
}

/** A script that loads the chunks beginning with `entry`, and writes their caches in the end. */
export function recordingScript(folder: string, entry: string, threads: Readonly<Record<string, string>>): string {
  const words = [folder, entry, threads].map((word) => JSON.stringify(word)).join(', ')
  return `require(${JSON.stringify(join(import.meta.dirname, 'record-chunks.ts'))}).record(${words})`
}

/** Waits for log lines of a run. */
class LogLines {
  readonly #iterator: AsyncIterator<string>
  readonly #seen: string[] = []

  constructor({ stdout, stderr }: ChildProcessWithoutNullStreams) {
    this.#iterator = createInterface({ input: stdout })[Symbol.asyncIterator]()
    stderr.setEncoding('utf8').on('data', (said: string) => this.#seen.push(said))
  }

  async next(message: string): Promise<Readonly<Record<string, unknown>>> {
    for (;;) {
      const { value, done } = await this.#iterator.next()
      if (done) throw new Error(`the trial run ended before \`${message}\`:\n${this.#seen.join('\n')}`)
      this.#seen.push(value)
      const line = JSON.parse(value) as Record<string, unknown>
      if (line.message === message) return line
    }
  }
}

async function success(child: ChildProcessWithoutNullStreams, words: readonly string[]): Promise<void> {
  child.stdout.resume()
  const [[code, signal], said] = await Promise.all([once(child, 'exit'), text(child.stderr)])
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code ?? signal} in the trial run:\n${said}`)
}
