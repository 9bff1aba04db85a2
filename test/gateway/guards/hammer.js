/** A thread that takes from one shared limit as fast as it can, beginning on a message, and says how often it was allowed to. */
import { parentPort, workerData } from 'node:worker_threads'
import { RateLimitTable } from '../../../src/gateway/guards/rate-limit/table.ts'

const { memory, start, keys, tries, allowance } = workerData
const table = new RateLimitTable(memory)
const gate = new Int32Array(start)
parentPort.postMessage('waiting')
Atomics.wait(gate, 0, 0)
const allowed = new Array(keys).fill(0)
for (let i = 0; i < tries; i += 1) if (table.take(`key ${i % keys}`, allowance) === 0) allowed[i % keys] += 1
parentPort.postMessage(allowed)
