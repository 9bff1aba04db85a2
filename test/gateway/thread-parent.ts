/** A process with one gateway thread: passes words between its own parent and the thread, whose log is its stdout. */
import { randomBytes } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { createRateLimitMemory } from '../../src/gateway/guards/rate-limit/table.ts'
import { standardStream } from '../../src/telemetry/standard-streams.ts'

const setup = {
  log: { level: 'info', format: 'json' },
  terminal: false,
  stdout: standardStream('stdout').descriptor,
  heartbeat: new SharedArrayBuffer(64),
  rateLimits: createRateLimitMemory(),
  ticketKey: randomBytes(48),
}
const worker = new Worker(new URL('../../src/gateway/thread.ts', import.meta.url))
worker.postMessage(setup)
process.on('message', (message) => worker.postMessage(message))
worker.on('message', (message) => process.send?.(message))
worker.on('exit', () => process.disconnect?.())
