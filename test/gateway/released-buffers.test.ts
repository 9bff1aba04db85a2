import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { countReleased } from '../../src/gateway/upstream/released-buffers.ts'

const piece = 65_536
const module = new URL('../../src/gateway/upstream/released-buffers.ts', import.meta.url).href

/** Comes to its first collection as soon as it begins. */
const collector = `import(${JSON.stringify(module)}).then(({ countReleased }) => countReleased(16_000_000))`

/** What a thread that is at the same place at the same time does to the flags of all. */
const meddler = `
const { workerData: over, parentPort } = require('node:worker_threads')
parentPort.postMessage('begun')
while (Atomics.load(over, 0) === 0) require('node:v8').setFlagsFromString('--no-expose-gc')
`

const workers: Worker[] = []

afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
})

describe('released buffers', () => {
  it('are collected in several threads at once, whatever becomes of the flags of V8 meanwhile', async () => {
    const over = new Int32Array(new SharedArrayBuffer(4))
    const failures: unknown[] = []
    const begin = (code: string) => {
      const worker = new Worker(code, { eval: true, workerData: over })
      workers.push(worker)
      worker.on('error', (error) => failures.push(error))
      return worker
    }
    await once(begin(meddler), 'message')
    await Promise.all(Array.from({ length: 8 }, () => once(begin(collector), 'exit')))
    Atomics.store(over, 0, 1)
    expect(failures).toEqual([])
  })

  it('leave memory by their bytes, however few objects were made beside them', async () => {
    const turn = () => new Promise((resolve) => setImmediate(resolve))
    let most = 0
    for (let passed = 0; passed < 400_000_000; passed += piece) {
      Buffer.allocUnsafeSlow(piece)
      countReleased(piece)
      if (passed % (piece * 64) === 0) await turn()
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    }
    expect(most).toBeLessThan(64_000_000)
  })
})
