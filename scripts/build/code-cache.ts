/**
 * V8's code cache of a bundle, created after the bundle has run once, so that it has the functions that a start calls.
 * The bytes differ between builds, because V8 seeds its hashes in each process; what they do does not.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import type { ReadRequest } from '../../src/app/reload/plan-reader.ts'
import { createRateLimitMemory } from '../../src/gateway/guards/rate-limit/table.ts'
import { createHeartbeat } from '../../src/gateway/heartbeat.ts'
import type { ToThread, WorkerData } from '../../src/gateway/messages.ts'

/**
 * Wraps the bundle in a function expression, which cached-script.ts calls with the arguments of a CommonJS module and
 * with an `import()` that works (src/gateway/plugins/import-file.ts).
 */
export function wrapAsFunction(file: string): void {
  const source = readFileSync(file, 'utf8').replace(/^#!.*\n/, '')
  writeFileSync(file, `(function (require, module, exports, importFromDisk) {${source}\n})`)
}

/** A run of the program that checks a config file. */
export function runCheck(config: string): TrialRun {
  return { argv: ['check', config] }
}

/** A gateway thread that loads everything and drains. */
export function runThread(): TrialRun {
  const birth: WorkerData = {
    log: { level: 'error', format: 'json' },
    terminal: false,
    stdout: { fd: 1 },
    heartbeat: createHeartbeat(),
    rateLimits: createRateLimitMemory(),
    ticketKey: new Uint8Array(48),
  }
  return { workerData: birth, message: { type: 'drain', budget: 0 } }
}

/** A package that does nothing until it is called. */
export function runPackage(): TrialRun {
  return {}
}

/** A thread that reads a config file, as for a reload. */
export function runReader(config: string): TrialRun {
  return { workerData: { file: config, env: {}, create: false }, answer: 'next' }
}

export interface TrialRun {
  readonly argv?: readonly string[]
  readonly workerData?: WorkerData | ReadRequest
  readonly message?: ToThread
  /** Sent in reply to each of its messages. */
  readonly answer?: string
}

/** Runs the wrapped bundle once and writes `FILE.cache`; resolves with its size. Rejects if the run fails. */
export async function writeCodeCache(file: string, { argv, workerData, message, answer }: TrialRun): Promise<number> {
  const cache = `${file}.cache`
  const paths = JSON.stringify({ file, cache, filename: basename(file) })
  const worker = new Worker(`(${tryOut})(${paths}, require, module, exports)`, {
    eval: true,
    argv: [...(argv ?? [])],
    workerData,
    stdout: true,
    stderr: true,
  })
  if (message) worker.postMessage(message)
  if (answer !== undefined) worker.on('message', () => worker.postMessage(answer))
  const ended = new Promise<number>((resolve, reject) => worker.once('exit', resolve).once('error', reject))
  const [code, ...said] = await Promise.all([ended, text(worker.stdout), text(worker.stderr)])
  if (code !== 0) throw new Error(`${basename(file)} exited with ${code} in its trial run:\n${said.join('')}`)
  return statSync(cache).size
}

/** Runs in the worker as text, hence without anything of this module. */
function tryOut(
  paths: { readonly file: string; readonly cache: string; readonly filename: string },
  require: NodeJS.Require,
  module: unknown,
  exports: unknown,
): void {
  const { readFileSync, writeFileSync } = require('node:fs') as typeof import('node:fs')
  const { Script } = require('node:vm') as typeof import('node:vm')
  const script = new Script(readFileSync(paths.file, 'utf8'), { filename: paths.filename })
  process.once('exit', () => writeFileSync(paths.cache, script.createCachedData()))
  script.runInThisContext()(require, module, exports)
}
