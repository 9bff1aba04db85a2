/** The data plane of one thread: listeners that stay open, generations that follow one another, exchanges in flight. */
import type { GatewayPlan } from '../plan/model/plan.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ServedCertificate, ServedChallenge } from '../shared/served.ts'
import type { TargetStates } from '../shared/target-states.ts'
import type { Milliseconds } from '../shared/time/duration.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import { GenerationRef, Generations } from './generations.ts'
import { createGuardResources } from './guards/guard-resources.ts'
import type { StoreEvent } from './guards/rate-limit/stores.ts'
import type { Heartbeat } from './heartbeat.ts'
import { Connections } from './listen/connections.ts'
import type { ListenerEvents } from './listen/listener.ts'
import { Listeners } from './listen/listeners.ts'
import { refusals } from './listen/refusals.ts'
import { Challenges } from './listen/tls/challenges.ts'
import { drainTarget } from './request/drain-target.ts'
import { InFlight } from './request/in-flight.ts'
import { RequestLifecycle } from './request/lifecycle.ts'
import type { Meter } from './request/meter.ts'
import { StallWatch } from './request/stall.ts'

export interface Gateway {
  /**
   * Replaces the plan in service. Rejects, with the old plan still in service, if a port cannot be opened or a
   * certificate is unusable, or a plugin cannot be loaded; with `restoring`, the routes of such a plugin answer 503.
   * Concurrent calls run one after the other.
   */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[], restoring?: boolean): Promise<void>
  /**
   * Serves these certificates from the next handshake on; throws, with the old ones still served, if one is unusable.
   */
  setCertificates(certificates: readonly ServedCertificate[]): void
  /** Seals session tickets with this key from now on; older tickets cost their clients a full handshake. */
  renewTickets(key: Uint8Array): void
  /** Answers exactly these ACME challenges from now on. */
  setChallenges(challenges: readonly ServedChallenge[]): void
  setTargets(targets: TargetStates): void
  /** Drains a target that gets no new requests. Resolves with the number of answers that were cut after `budget`. */
  drainTarget(address: string, budget: Milliseconds): Promise<number>
  /** Readiness answers 503 from now on; requests are still answered. */
  withdraw(): void
  /**
   * Accepts no more, answers what is in flight, closes tunnels. Resolves with the number of answers that were cut after
   * `budget`.
   */
  drain(budget: Milliseconds): Promise<number>
  /**
   * Ends every connection of its listeners before it returns; may be called at any moment, and nothing works afterwards.
   * Never throws.
   */
  destroy(): void
}

export interface GatewayOptions {
  accessLog(plan: GatewayPlan): AccessLog
  readonly meter: Meter
  /** Notified of each connection, and of each request that begins or ends. */
  readonly heartbeat: Pick<Heartbeat, 'progressed' | 'accepted'>
  /** Shared by all threads; see guards/rate-limit/table.ts. */
  readonly rateLimits: SharedArrayBuffer
  /** A store that counts for all replicas has changed its state. */
  storeChanged(event: StoreEvent): void
  /** 48 bytes, the same in all threads; a secret. */
  readonly ticketKey: Uint8Array
  /** For what goes wrong outside any request. */
  readonly log: Log
}

export function createGateway({ accessLog, meter, log, heartbeat, ...options }: GatewayOptions): Gateway {
  const connections = new Connections(log)
  const challenges = new Challenges()
  const inFlight = new InFlight()
  const stalls = new StallWatch(() => inFlight.open())
  const guards = createGuardResources({
    rateLimits: options.rateLimits,
    stateChanged: options.storeChanged,
    countedAlone: meter.countedAlone,
  })
  const generations = new Generations(guards, log)
  const listeners = new Listeners(options.ticketKey, inFlight)
  const { closing } = listeners
  const requests = new RequestLifecycle({ generations, closing, challenges, inFlight, meter, heartbeat })
  let lastApply: Promise<void> = Promise.resolve()

  const events: ListenerEvents = {
    request: requests.request,
    upgrade: requests.upgrade,
    brokenBody: requests.brokenBody,
    connected(socket) {
      heartbeat.accepted()
      const admitted = connections.admit(socket)
      if (!admitted) meter.refusedConnection()
      return admitted
    },
    challenge: (name) => challenges.contextFor(name),
    trusts: (address) => generations.current?.generation.trusts(address) ?? false,
    refused: refusals(log),
    failed: (plan, error) => log.error(`listener ${plan.name}: ${messageOf(error)}`),
  }

  async function applyNow(
    plan: GatewayPlan,
    certificates: readonly ServedCertificate[],
    restoring: boolean,
  ): Promise<void> {
    challenges.setFolder(plan.challengeFolder)
    const tls = await listeners.prepareTls(plan, certificates)
    const generation = await generations.build(plan, restoring)
    const opened = await listeners.openMissing(plan.listeners, tls, events).catch((error) => {
      generation.close()
      throw error
    })
    const previous = generations.current
    generations.current = new GenerationRef(generation, accessLog(plan))
    stalls.watch(plan.limits.stallTimeout)
    const closed = listeners.replace(plan.listeners, opened)
    // For all ports, the new ones too: the ticket key may have been renewed while they were opened.
    listeners.setTls({ certificates, authorities: tls.authorities })
    listeners.limit(plan.limits)
    connections.limit = Math.ceil(plan.limits.connections / (plan.threads === 'auto' ? 1 : plan.threads))
    previous?.retire()
    // Until a removed port is closed, the next plan cannot reopen it.
    await closed
  }

  return {
    apply(plan, certificates, restoring = false) {
      const applied = lastApply.then(() => applyNow(plan, certificates, restoring))
      lastApply = applied.catch(() => {})
      return applied
    },
    setCertificates: (certificates) => listeners.setTls({ certificates }),
    renewTickets: (ticketKey) => listeners.setTls({ ticketKey }),
    setChallenges: (next) => challenges.set(next),
    setTargets: (targets) => generations.setTargets(targets),
    drainTarget: (address, budget) => drainTarget(address, () => inFlight.open(), budget),
    withdraw: () => generations.withdraw(),
    async drain(budget) {
      generations.withdraw()
      await lastApply
      await listeners.closeAll()
      await connections.firstRequests()
      const cut = await inFlight.answered(budget)
      await inFlight.endOpenEnded()
      inFlight.cutRest('the drain budget was exceeded')
      await listeners.endClosing()
      stalls.stop()
      await inFlight.gone()
      await generations.close()
      return cut
    },
    destroy() {
      inFlight.cutAtOnce('the thread ends')
      listeners.destroy()
    },
  }
}
