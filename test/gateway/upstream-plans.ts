import type { UpstreamProxyPlan } from '../../src/plan/model/plan.ts'
import type { UpstreamPlan } from '../../src/plan/model/upstreams.ts'

export function upstreamPlan(targets: readonly (number | string)[], options: Partial<UpstreamPlan> = {}): UpstreamPlan {
  return {
    name: 'behind',
    targets: targets.map((target) => (typeof target === 'number' ? `http://127.0.0.1:${target}` : target)),
    balance: 'round-robin',
    passiveHealth: { failures: 3, within: 10_000, ejectFor: 10_000 },
    position: { file: 'test.yaml', line: 1, column: 1 },
    ...options,
  }
}

export const toUpstream: UpstreamProxyPlan = {
  kind: 'proxy',
  upstream: 'behind',
  timeouts: { connect: 1_000, response: 5_000 },
}
