import { afterEach, expect, it } from 'vitest'
import type { GatewayWorkers } from '../../src/app/workers/workers.ts'
import { freePort, listener, planOf } from '../gateway/support.ts'
import { silentThreads } from './silent-threads.ts'

let threads: GatewayWorkers | undefined

afterEach(async () => {
  await threads?.drain(0)
  threads = undefined
})

it('a thread counts as serving when its ports are open, not before', async () => {
  threads = silentThreads()
  const plan = planOf({ routes: [], threads: 2 }, [listener('http', await freePort())])
  const applied = threads.apply(plan, [])
  await Promise.resolve()
  expect(threads.measure()).toMatchObject({ count: 2, vitals: [] })
  await applied
  expect(threads.measure().vitals).toHaveLength(2)
})
