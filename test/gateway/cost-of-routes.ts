/**
 * A program of its own, run with --expose-gc: what a route costs a gateway thread, of each kind. Prints JSON. Time is
 * that of the CPU, which a busy machine does not stretch; the best of some builds, since the first ones are slow while
 * the code is compiled.
 */
import { createFileStore } from '../../src/gateway/files/store.ts'
import { buildGeneration, type Generation } from '../../src/gateway/generation.ts'
import { createGuardResources } from '../../src/gateway/guards/guard-resources.ts'
import { createRateLimitMemory } from '../../src/gateway/guards/rate-limit/table.ts'
import { Plugins } from '../../src/gateway/plugins/plugins.ts'
import { createUpstreams } from '../../src/gateway/upstream/upstreams.ts'
import type { GatewayPlan } from '../../src/plan/model/plan.ts'
import { planOf, proxyTo, type RouteOptions } from './support.ts'

export interface RouteCost {
  readonly bytes: number
  readonly microseconds: number
}

const count = 2_000
const kinds: Readonly<Record<string, (index: number) => RouteOptions>> = {
  proxy: (index) => ({ ...proxyTo(9_999), match: { paths: [`/proxy${index}/*`] } }),
  hosts: (index) => ({ ...proxyTo(9_999), match: { hosts: [`h${index}.example`, `*.h${index}.example`] } }),
  files: (index) => ({ kind: 'files', root: `/srv/${index}`, existingOnly: true, except: [], match: {} }),
  redirect: (index) => ({
    kind: 'redirect',
    to: '/x{uri}',
    status: 302,
    close: false,
    match: { paths: [`/${index}`] },
  }),
  respond: (index) => ({ kind: 'respond', status: 200, body: 'x', match: { paths: [`/${index}`], methods: ['GET'] } }),
  guarded: (index) => ({
    ...proxyTo(9_999),
    match: { paths: [`/guarded${index}/*`, `/g${index}`] },
    request: { 'x-route': 'guarded' },
    response: { 'cache-control': 'no-store', 'x-frame-options': 'DENY' },
    guards: { addresses: [{ allow: ['10.0.0.0/8', '192.168.0.0/16'], deny: ['10.1.0.0/16'] }] },
  }),
}

const surroundings = {
  upstreams: createUpstreams(() => ({}), { warn: () => {} }),
  files: createFileStore(),
  guards: createGuardResources({ rateLimits: createRateLimitMemory(), stateChanged: () => {}, countedAlone: () => {} }),
  plugins: new Plugins({ info: () => {}, warn: () => {}, error: () => {} }, () => ({})),
  targets: () => ({}),
  withdrawn: () => false,
}

function plan(kind: string, routes: number): GatewayPlan {
  const wish = kinds[kind] as (index: number) => RouteOptions
  return planOf({ routes: Array.from({ length: routes }, (_, index) => wish(index)) }, [])
}

/** Of this thread, in microseconds. */
function cpuTime(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

function heap(): number {
  gc?.()
  gc?.()
  return process.memoryUsage().heapUsed
}

async function costOf(kind: string): Promise<RouteCost> {
  const message = plan(kind, count)
  let microseconds = Number.POSITIVE_INFINITY
  for (let round = 0; round < 3; round++) {
    const began = cpuTime()
    const generation = await buildGeneration(structuredClone(message), surroundings)
    microseconds = Math.min(microseconds, (cpuTime() - began) / count)
    await generation.close()
  }
  const before = heap()
  const kept: Generation = await buildGeneration(structuredClone(message), surroundings)
  const bytes = (heap() - before) / count
  await kept.close()
  return { bytes: Math.round(bytes), microseconds: Math.round(microseconds) }
}

const costs: Record<string, RouteCost> = {}
for (const kind of Object.keys(kinds)) costs[kind] = await costOf(kind)
console.log(JSON.stringify(costs))
process.exit()
