/** The data plane of one thread: listeners that stay, generations that follow one another, exchanges in flight. */
import { ServerResponse } from 'node:http'
import type { GatewayPlan } from '../plan/model/plan.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { ServedCertificate, ServedChallenge } from '../shared/served.ts'
import type { TargetStates } from '../shared/target-states.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import { createFileStore } from './files/store.ts'
import { buildGeneration, type Surroundings } from './generation.ts'
import { GenerationRef } from './generation-ref.ts'
import { createGuardMeans } from './guards/guard-resources.ts'
import type { StoreNews } from './guards/rate-limit/stores.ts'
import type { Heartbeat } from './heartbeat.ts'
import { Connections } from './listen/connections.ts'
import { lingerThenClose } from './listen/http1/linger.ts'
import { refuseUnparsed } from './listen/http1/unparsed.ts'
import type { Listener, ListenerEvents } from './listen/listener.ts'
import { openListeners, samePort } from './listen/open-listeners.ts'
import { refusals } from './listen/refusals.ts'
import { answerServerOptions } from './listen/server-options.ts'
import { Challenges } from './listen/tls/challenges.ts'
import { readClientAuthorities } from './listen/tls/client-certificates.ts'
import { sniByListener, type TlsTerms } from './listen/tls/sni.ts'
import { watchClient } from './proxy/upgrade.ts'
import { type Arrival, admit } from './request/admit.ts'
import { drainTarget } from './request/drain-target.ts'
import { attachExchange, type Exchange } from './request/exchange.ts'
import { closeAfterAnswer, InFlight } from './request/in-flight.ts'
import type { Meter } from './request/meter.ts'
import { recordOf } from './request/record.ts'
import { StallWatch } from './request/stall.ts'
import type { Refusal } from './request/validate-request.ts'
import { sendError } from './response/respond.ts'
import { createUpstreams } from './upstream/upstreams.ts'

export interface Gateway {
  /**
   * Puts this plan in place of the one before; rejects, with the old one still serving, if a port cannot be opened or a
   * certificate is unusable. Several calls are carried out one after the other.
   */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void>
  /** Serves these certificates from the next handshake on; throws, with the old ones still served, if one is unusable. */
  setCertificates(certificates: readonly ServedCertificate[]): void
  /** Seals session tickets with this key from now on; older ones cost their clients a full handshake. */
  renewTickets(key: Uint8Array): void
  /** Shows these to ACME servers from now on, and no others. */
  setChallenges(challenges: readonly ServedChallenge[]): void
  setTargets(targets: TargetStates): void
  /** Takes leave of a target to which nothing new is sent, in `budget` ms; resolves with the answers that were cut. */
  drainTarget(origin: string, budget: number): Promise<number>
  /** Says on the paths of health that it wants no more requests, and goes on answering all that come. */
  withdraw(): void
  /** Accepts no more, answers what is in flight, closes tunnels; what is left after `budget` ms is cut and counted. */
  drain(budget: number): Promise<number>
  /** Ends every connection of its listeners before it returns, in the midst of whatever goes on; nothing works afterwards. Never throws. */
  destroy(): void
}

/** `log` is for the operator: what goes wrong outside any request. */
export interface GatewayOptions {
  accessLog(plan: GatewayPlan): AccessLog
  readonly meter: Meter
  /** Told of each connection that comes and each request that begins or ends; see heartbeat.ts. */
  readonly heartbeat: Pick<Heartbeat, 'progressed' | 'accepted'>
  /** Shared by all threads; see guards/rate-limit/table.ts. */
  readonly rateLimits: SharedArrayBuffer
  /** How a store that counts for all replicas is doing has changed. */
  storeChanged(news: StoreNews): void
  /** 48 bytes, the same in all threads; a secret. */
  readonly ticketKey: Uint8Array
  readonly log: Log
}

export function createGateway({ accessLog, meter, log, heartbeat, ...first }: GatewayOptions): Gateway {
  const connections = new Connections(log)
  const challenges = new Challenges()
  const guards = createGuardMeans({
    rateLimits: first.rateLimits,
    tell: first.storeChanged,
    countedAlone: meter.countedAlone,
  })
  const inFlight = new InFlight()
  const stalls = new StallWatch(inFlight.open)
  /** Those that accept no more, while some of their connections are not over. */
  const closing = new Set<Listener>()
  let listeners: readonly Listener[] = []
  let serving: GenerationRef | undefined
  let withdrawn = false
  let terms: TlsTerms = { certificates: [], ticketKey: first.ticketKey, authorities: new Map() }
  let targets: TargetStates = {}
  const upstreams = createUpstreams(() => targets, log)
  const files = createFileStore()
  // One for all generations: a closure made while one is built would see the one before, and keep it.
  const means: Surroundings = { upstreams, files, guards, targets: () => targets, withdrawn: () => withdrawn }
  let lastApply: Promise<void> = Promise.resolve()

  const events: ListenerEvents = {
    request: (listener, request, response) => begin(listener, { request, response }),
    upgrade(listener, request, upgrade) {
      const response = new ServerResponse(request)
      response.assignSocket(upgrade.socket)
      response.shouldKeepAlive = false
      // An answer other than 101 ends the connection: what the client sent behind the head is in nobody's framing.
      response.on('finish', () => lingerThenClose(upgrade.socket))
      watchClient(upgrade.socket)
      begin(listener, { request, response, upgrade })
    },
    connected(socket) {
      heartbeat.accepted()
      const admitted = connections.admit(socket)
      if (!admitted) meter.refusedConnection()
      return admitted
    },
    unparsed(listener, socket, error) {
      const unparsed = refuseUnparsed({ listener, socket, error })
      if (!unparsed) return
      if ('refusal' in unparsed) return begin(listener, unparsed)
      serving?.log(unparsed)
      meter.unread(unparsed)
    },
    challenge: (name) => challenges.contextFor(name),
    trusts: (address) => serving?.generation.trusts(address) ?? false,
    refused: refusals(log),
    failed: (plan, error) => log.error(`listener ${plan.name}: ${messageOf(error)}`),
  }

  function begin(listener: Listener, carried: Pick<Arrival, 'request' | 'response' | 'upgrade' | 'refusal'>): void {
    if (!serving) {
      carried.response.destroy() // a port of the very first plan, opened before its siblings were
      return
    }
    const tenure = serving
    // Read at once: a socket that is closed no longer knows it.
    const peer = listener.peerOf(carried.request.socket)
    const { exchange, refusal } = admit({ ...carried, peer, listener: listener.plan, generation: tenure.generation })
    heartbeat.progressed()
    inFlight.add(exchange)
    tenure.begin(exchange)
    meter.began(exchange)
    watchEnd(exchange, tenure.log, listener)
    // Where an upgrade was asked for, Node's parser stops, and loses what it had read behind the request.
    if (closing.has(listener) || ('upgrade' in carried.request.headers && !carried.upgrade)) closeAfterAnswer(exchange)
    attachExchange(exchange)
    if (refusal) refuse(exchange, refusal)
    else if (!answerServerOptions(exchange)) challenges.answer(exchange, () => tenure.generation.answer(exchange))
  }

  function watchEnd(exchange: Exchange, record: AccessLog, listener: Listener): void {
    const { response, upgrade } = exchange
    response.on('error', () => {}) // a write to a client that just left; 'close' tells the rest
    const ended = () => {
      const clientGone = exchange.failure === undefined && exchange.kind !== 'tunnel' && !exchange.answeredWhole
      if (!exchange.end(clientGone)) return
      heartbeat.progressed()
      inFlight.remove(exchange)
      const told = recordOf(exchange, clientGone)
      record(told)
      meter.ended(exchange, told)
      if (closing.has(listener)) listener.closeIdle()
    }
    if (upgrade) upgrade.socket.on('close', ended)
    // Behind the answer to an upgrade its connection lingers.
    response.on(upgrade ? 'finish' : 'close', ended)
  }

  async function applyNow(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void> {
    challenges.lookIn(plan.challengeFolder)
    const authorities = await readClientAuthorities(plan.listeners)
    const sni = sniByListener({ ...terms, certificates, authorities })
    const generation = await buildGeneration(plan, means)
    const kept = listeners.filter((listener) => plan.listeners.some((wanted) => samePort(listener.plan, wanted)))
    const fresh = plan.listeners.filter((wanted) => !kept.some((listener) => samePort(listener.plan, wanted)))
    const opened = await openListeners(fresh, sni, events).catch((error) => {
      generation.close()
      throw error
    })
    const before = serving
    serving = new GenerationRef(generation, accessLog(plan))
    stalls.watch(plan.limits.stallTimeout)
    const closed = listeners.filter((listener) => !kept.includes(listener)).map(closeListener)
    listeners = [...kept, ...opened]
    // Once more for all: the key of tickets may be another by now.
    change({ certificates, authorities })
    for (const listener of listeners) listener.limit(plan.limits)
    connections.limit = Math.ceil(plan.limits.connections / (plan.threads === 'auto' ? 1 : plan.threads))
    if (before) retire(before)
    // Until then one that has the same port answers as it did before.
    await Promise.all(closed)
  }

  function change(some: Partial<TlsTerms>): void {
    const next = { ...terms, ...some }
    const sni = sniByListener(next)
    terms = next
    for (const listener of listeners) listener.setSni(sni(listener.plan))
  }

  function retire(tenure: GenerationRef): void {
    tenure.retire(() => tenure.generation.close())
  }

  function closeListener(listener: Listener): Promise<void> {
    closing.add(listener)
    inFlight.closeAfterAnswer(listener)
    return listener.stopAccepting(() => closing.delete(listener))
  }

  return {
    apply(plan, certificates) {
      const applied = lastApply.then(() => applyNow(plan, certificates))
      lastApply = applied.catch(() => {})
      return applied
    },
    setCertificates: (certificates) => change({ certificates }),
    renewTickets: (ticketKey) => change({ ticketKey }),
    setChallenges: (next) => challenges.set(next),
    setTargets(next) {
      targets = next
      upstreams.follow()
    },
    drainTarget: (origin, budget) => drainTarget(origin, inFlight.open, budget),
    withdraw() {
      withdrawn = true
    },
    async drain(budget) {
      withdrawn = true
      await lastApply
      await Promise.all(listeners.map(closeListener))
      await connections.heard()
      const cut = await inFlight.answered(budget)
      await inFlight.endOpenEnded()
      inFlight.cutRest('the budget of the drain was over')
      for (const listener of closing) listener.destroy()
      stalls.stop()
      await inFlight.gone()
      upstreams.close()
      guards.close()
      return cut
    },
    destroy() {
      inFlight.cutAtOnce('the thread ends')
      for (const listener of [...listeners, ...closing]) listener.destroy()
    },
  }
}

function refuse(exchange: Exchange, refusal: Refusal): void {
  // RFC 9112 §2.2: what follows a request that was not understood cannot be told from its body.
  sendError(exchange, refusal.status, refusal.cause, exchange.protocol === 'h1' ? ['connection', 'close'] : [])
}
