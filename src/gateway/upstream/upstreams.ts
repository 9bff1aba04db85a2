/**
 * The upstreams of all generations. Generations that name the same target share it, so that a reload keeps its
 * connections.
 */
import { readFile } from 'node:fs/promises'
import type { GatewayPlan, OriginProxyPlan, ProxyPlan } from '../../plan/model/plan.ts'
import type { UpstreamPlan } from '../../plan/model/upstreams.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { type TargetStates, targetKey } from '../../shared/target-states.ts'
import { formatDuration } from '../../shared/time/duration.ts'
import type { Dial, DialLimits } from './dial.ts'
import { followsProcess, ProcessMember } from './process-member.ts'
import { Target } from './target.ts'
import { type Ejection, Upstream, type UpstreamParts } from './upstream.ts'

export interface Upstreams {
  /** Rejects with `gateway-failed` if a file that the plan names cannot be read. */
  lease(plan: GatewayPlan): Promise<UpstreamLease>
  /** To be called when the states have changed: new requests go to where the processes are now. */
  follow(): void
  /** Ends every connection to upstreams. */
  close(): void
}

/** The upstreams of one generation. */
export interface UpstreamLease {
  /** The upstream of the route with this index, which must be a proxy route. */
  of(routeIndex: number): Upstream
  /** Targets that no other lease holds are closed when their requests are over. */
  release(): void
}

/** Warns in `log` about targets that are ejected. */
export function createUpstreams(states: () => TargetStates, log: Pick<Log, 'warn'>): Upstreams {
  const held = new Map<string, { readonly target: Target; leases: number }>()
  const following = new Set<ProcessMember>()
  const leased = new Set<Upstream>()
  let known: TargetStates = {}
  const ejected = ({ upstream, target, cause, duration }: Ejection) =>
    log.warn(`upstream ${upstream}: ejecting ${target} for ${formatDuration(duration)}: ${cause}`, {
      upstream,
      target,
      health: 'ejected',
    })

  function take(dial: Dial): Target {
    const key = JSON.stringify(dial)
    const known = held.get(key) ?? { target: new Target(dial), leases: 0 }
    known.leases += 1
    held.set(key, known)
    return known.target
  }

  function release(target: Target): void {
    const key = JSON.stringify(target.dial)
    const known = held.get(key)
    if (!known) return
    known.leases -= 1
    if (known.leases > 0) return
    held.delete(key)
    known.target.close()
  }

  return {
    async lease({ routes, upstreams, limits, threads }) {
      const named = new Map<string, Named>()
      for (const plan of upstreams) named.set(plan.name, { plan, ca: await readAuthorities(plan) })
      const dialLimits: DialLimits = {
        connections: Math.ceil(limits.connectionsPerTarget / (threads === 'auto' ? 1 : threads)),
        answerHeaders: limits.answerHeaders,
      }
      const taken: Target[] = []
      const followed: ProcessMember[] = []
      const members: Members = {
        one(address) {
          const target = take({ ...address, ...dialLimits })
          taken.push(target)
          return target
        },
        following(plan) {
          const member = new ProcessMember(plan, dialLimits, { take, release })
          member.follow(states())
          followed.push(member)
          following.add(member)
          return member
        },
      }
      const byRoute = routes.map(({ handler }) =>
        handler.kind === 'proxy' ? upstreamOf(handler, named, { members, states, ejected }) : undefined,
      )
      const own = byRoute.filter((upstream) => upstream !== undefined)
      for (const upstream of own) leased.add(upstream)
      return {
        of: (routeIndex) => byRoute[routeIndex] as Upstream,
        release() {
          for (const upstream of own.splice(0)) leased.delete(upstream)
          taken.splice(0).forEach(release)
          for (const member of followed.splice(0)) {
            following.delete(member)
            member.release()
          }
        },
      }
    },
    follow() {
      for (const member of following) member.follow(states())
      for (const upstream of leased) upstream.follow(known, states())
      known = states()
    },
    close() {
      const all = [...held.values()]
      held.clear()
      for (const { target } of all) target.destroy()
    },
  }
}

/** Creates the members of an upstream. */
interface Members {
  one(address: Omit<Dial, keyof DialLimits>): Target
  following(plan: OriginProxyPlan): ProcessMember
}

interface UpstreamContext extends Pick<UpstreamParts, 'states' | 'ejected'> {
  readonly members: Members
}

interface Named {
  readonly plan: UpstreamPlan
  readonly ca: string | undefined
}

function upstreamOf(
  route: ProxyPlan,
  named: ReadonlyMap<string, Named>,
  { members: { one, following }, ...common }: UpstreamContext,
): Upstream {
  const { connect } = route.timeouts
  if ('origin' in route) {
    const { origin } = route
    const member = followsProcess(route) ? following(route) : { target: one({ origin, connect }), key: origin }
    return new Upstream({ ...common, name: origin, members: [member], balance: 'first' })
  }
  const { plan, ca } = named.get(route.upstream) as Named
  const tls = plan.tls && {
    verify: plan.tls.verify,
    ...(ca !== undefined && { ca }),
    ...(plan.tls.serverName !== undefined && { serverName: plan.tls.serverName }),
  }
  const members = plan.targets.map((origin) => ({
    target: one({ origin, connect, ...(tls && { tls }) }),
    key: targetKey(plan.name, origin),
  }))
  const { name, balance, passiveHealth } = plan
  return new Upstream({ ...common, name, members, balance, passiveHealth })
}

async function readAuthorities({ name, tls }: UpstreamPlan): Promise<string | undefined> {
  if (tls?.ca === undefined) return undefined
  try {
    return await readFile(tls.ca, 'utf8')
  } catch (error) {
    throw new GatehouseError('gateway-failed', `upstream ${name}: cannot read its \`ca\`: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
