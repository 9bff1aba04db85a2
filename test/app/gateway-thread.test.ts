import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startEarlyThread, takeThread } from '../../src/app/workers/gateway-thread.ts'
import { freePort, listener, planOf } from '../gateway/support.ts'
import { silentWorkers } from './silent-workers.ts'

let started: Worker[] = []
const start = (message: unknown) => started.push((message as { readonly worker: Worker }).worker)

beforeEach(() => {
  started = []
  subscribe('worker_threads', start)
})

afterEach(async () => {
  unsubscribe('worker_threads', start)
  await Promise.all(started.map((thread) => thread.terminate()))
})

it('the first thread of a plan is the early one, and those after it are new', async () => {
  startEarlyThread()
  const workers = silentWorkers()
  const plan = planOf({ routes: [], threads: 2 }, [listener('http', await freePort())])
  workers.prepare(plan)
  expect(started).toHaveLength(2)
  await workers.apply({ plan, certificates: [] })
  expect(started).toHaveLength(2)
  expect(workers.measure().vitals).toHaveLength(2)
  await workers.drain(0)
})

it('an early thread ends if the plan has no listener', async () => {
  startEarlyThread()
  const [early] = started as [Worker]
  const ended = once(early, 'exit')
  silentWorkers().prepare(planOf({ routes: [] }, []))
  await ended
  expect(started).toEqual([early])
})

it('an early thread that is over is not used', async () => {
  startEarlyThread()
  const [early] = started as [Worker]
  await early.terminate()
  expect(takeThread()).not.toBe(early)
})

it('an early thread that cannot load does no harm', () => {
  startEarlyThread()
  const [early] = started as [Worker]
  early.emit('error', new Error('out of memory'))
  expect(takeThread()).not.toBe(early)
})
