import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import { type Hash64, keyedHash } from '../../../src/gateway/guards/rate-limit/keyed-hash.ts'
import { createRateLimitMemory, RateLimitTable, sharedNow } from '../../../src/gateway/guards/rate-limit/table.ts'
import { cleanUp, whenOver } from '../support.ts'

afterEach(cleanUp)

const minute = 60_000

interface Hammering {
  readonly memory: SharedArrayBuffer
  readonly threads: number
  readonly keys: number
  readonly tries: number
  readonly requests: number
}

/** Lets real threads take at the same time; resolves with how often each key was allowed, over all of them. */
async function hammer({ memory, threads, keys, tries, requests }: Hammering): Promise<number[]> {
  const start = new SharedArrayBuffer(4)
  const workerData = { memory, start, keys, tries, allowance: { requests, window: minute } }
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./hammer.js', import.meta.url), { workerData, execArgv: [] }),
  )
  whenOver(() => Promise.all(workers.map((worker) => worker.terminate())))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const results = Promise.all(workers.map((worker) => once(worker, 'message')))
  const gate = new Int32Array(start)
  Atomics.store(gate, 0, 1)
  Atomics.notify(gate, 0)
  const sums = new Array<number>(keys).fill(0)
  for (const [allowed] of await results) for (const [key, count] of allowed.entries()) sums[key] += count
  return sums
}

describe('two threads that take from one limit', () => {
  it('together get exactly what is allowed, from one key that both want', async () => {
    const memory = createRateLimitMemory()
    expect(await hammer({ memory, threads: 2, keys: 1, tries: 400_000, requests: 250_000 })).toEqual([250_000])
  })

  it('together get exactly what is allowed, from each of many keys', async () => {
    const memory = createRateLimitMemory()
    const sums = await hammer({ memory, threads: 2, keys: 500, tries: 100_000, requests: 150 })
    expect(sums).toEqual(new Array(500).fill(150))
  })
})

describe('the table', () => {
  it('begins a window with the first request, and a new one when it is over', async () => {
    const table = new RateLimitTable(createRateLimitMemory())
    const allowance = { requests: 2, window: 40 }
    expect([table.take('a', allowance), table.take('a', allowance)]).toEqual([0, 0])
    const wait = table.take('a', allowance)
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(40)
    // A timer drops the fraction of its time, and counts from the turn of the event loop: it may be early by more than
    // 1 ms.
    const over = performance.now() + wait
    while (performance.now() <= over) await new Promise((resolve) => setTimeout(resolve, 1))
    expect([table.take('a', allowance), table.take('a', allowance)]).toEqual([0, 0])
    expect(table.take('a', allowance)).toBeGreaterThan(0)
  })

  it('continues from counts made elsewhere, in whichever order they come', () => {
    const table = new RateLimitTable(createRateLimitMemory())
    const allowance = { requests: 5, window: minute }
    const end = sharedNow() + 10_000
    expect(table.left('a', allowance)).toBe(0)
    table.learn('a', 4, end)
    table.learn('a', 3, end - 3)
    expect(table.left('a', allowance)).toBe(0)
    expect(table.take('a', allowance)).toBe(0)
    const wait = table.take('a', allowance)
    expect(wait).toBeGreaterThan(9_000)
    expect(wait).toBeLessThanOrEqual(10_000)
    expect(table.left('a', allowance)).toBeLessThanOrEqual(wait)
    expect(table.left('a', allowance)).toBeGreaterThan(9_000)
    expect(table.left('b', allowance)).toBe(0)
  })

  it('believes nothing of a window that is over', () => {
    const table = new RateLimitTable(createRateLimitMemory())
    const allowance = { requests: 2, window: minute }
    table.learn('a', 2, sharedNow() - 1)
    expect(table.left('a', allowance)).toBe(0)
    expect([table.take('a', allowance), table.take('a', allowance)]).toEqual([0, 0])
    expect(table.take('a', allowance)).toBeGreaterThan(0)
  })

  it('counts keys apart', () => {
    const table = new RateLimitTable(createRateLimitMemory())
    const once = { requests: 1, window: minute }
    for (let i = 0; i < 20_000; i += 1) expect(table.take(`client ${i}`, once)).toBe(0)
    let refused = 0
    for (let i = 0; i < 20_000; i += 1) if (table.take(`client ${i}`, once) > 0) refused += 1
    // A bucket holds eight keys; of 20,000 in 8,192 buckets hardly one finds its bucket full.
    expect(refused).toBeGreaterThan(19_950)
  })

  it('remembers frequent clients through a flood of a million others', () => {
    const memory = createRateLimitMemory()
    const size = memory.byteLength
    const table = new RateLimitTable(memory)
    const ten = { requests: 10, window: minute }
    for (let i = 0; i < 10; i += 1) table.take('heavy', ten)
    for (let i = 0; i < 1_000_000; i += 1) table.take(`flood ${i}`, ten)
    expect(table.take('heavy', ten)).toBeGreaterThan(0)
    expect(memory.byteLength).toBe(size)
    expect(size).toBeLessThan(1_500_000)
  })

  it('takes no lock from a thread that took it a moment after this one had looked at the clock', () => {
    const memory = createRateLimitMemory()
    const table = new RateLimitTable(memory)
    new Int32Array(memory, 8, 8_192).fill(((Math.floor(sharedNow()) + 4) & 0x7fffffff) | 1)
    const asked = sharedNow()
    table.take('a', { requests: 1, window: minute })
    // It is never released here: it is held until it counts as abandoned.
    expect(sharedNow() - asked).toBeGreaterThan(1_000)
  })

  it('recovers after a thread was ended while it held a lock', () => {
    const memory = createRateLimitMemory()
    const table = new RateLimitTable(memory)
    const locks = new Int32Array(memory, 8, 8_192)
    // As it would have left it: taken long ago, and never given back.
    const longAgo = ((Math.floor(process.hrtime()[0] * 1_000) - 5_000) & 0x7fffffff) | 1
    locks.fill(longAgo)
    expect(table.take('a', { requests: 1, window: minute })).toBe(0)
    expect(table.take('a', { requests: 1, window: minute })).toBeGreaterThan(0)
  })
})

describe('the hash of keys', () => {
  it('is that of the reference for the empty text (key 00 01 .. 07)', () => {
    const key = { low: 0x03020100, high: 0x07060504 }
    const into: Hash64 = { high: 0, low: 0 }
    keyedHash('', key, into)
    const bytes = Buffer.alloc(8)
    bytes.writeInt32LE(into.low, 0)
    bytes.writeInt32LE(into.high, 4)
    expect(bytes.toString('hex')).toBe('218d1f59b9b83cc8')
  })

  it('depends on every unit of the text and on the key', () => {
    const into: Hash64 = { high: 0, low: 0 }
    const hash = (text: string, low = 1) => {
      keyedHash(text, { low, high: 2 }, into)
      return `${into.high} ${into.low}`
    }
    const texts = ['', 'a', 'b', 'aa', 'ab', 'ba', 'aaa', 'aab', '\0', '\0\0', 'a\0', '\u0100', '\u0001']
    expect(new Set(texts.map((text) => hash(text))).size).toBe(texts.length)
    expect(hash('a', 1)).not.toBe(hash('a', 3))
    expect(hash('a')).toBe(hash('a'))
  })
})
