import { afterEach, expect, it } from 'vitest'
import type { GatewayWorkers } from '../../src/app/workers/workers.ts'
import { freePort, listener, planOf } from '../gateway/support.ts'
import { silentWorkers } from './silent-workers.ts'

let workers: GatewayWorkers | undefined

afterEach(async () => {
  await workers?.drain(0)
  workers = undefined
})

it('a thread counts as serving when its ports are open, not before', async () => {
  workers = silentWorkers()
  const plan = planOf({ routes: [], threads: 2 }, [listener('http', await freePort())])
  const applied = workers.apply({ plan: plan, certificates: [] })
  await Promise.resolve()
  expect(workers.measure()).toMatchObject({ count: 2, vitals: [] })
  await applied
  expect(workers.measure().vitals).toHaveLength(2)
})
