/** The data plane of one thread: listeners that stay, generations that follow one another, exchanges in flight. */
import { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { GatewayPlan, ListenerPlan } from '../plan/types.ts'
import { messageOf } from '../shared/errors.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import { admit } from './admit.ts'
import { attachExchange, type Exchange, type ExchangeParts } from './exchange.ts'
import { buildGeneration, type Generation } from './generation.ts'
import { type Listener, type ListenerEvents, openListener } from './listener.ts'
import type { ServedCertificate, TargetStates } from './ports.ts'
import { recordOf } from './record.ts'
import { cutAnswer, sendError } from './respond.ts'
import { createPools } from './upstream/pools.ts'

export interface Gateway {
  /** Puts this plan in place of the one before; rejects, with the old one still serving, if a port cannot be opened. */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void>
  use(certificates: readonly ServedCertificate[]): void
  know(targets: TargetStates): void
  /** Accepts no more, answers what is in flight, closes tunnels; what is left after `budget` ms is cut and counted. */
  drain(budget: number): Promise<number>
}

/** How long both sides of a tunnel have to finish their closing before their sockets are destroyed. */
const tunnelFarewell = 1_000

export function createGateway(accessLog: (plan: GatewayPlan) => AccessLog): Gateway {
  const pools = createPools()
  const inFlight = new Set<Exchange>()
  const retired = new Set<Generation>()
  let listeners: readonly Listener[] = []
  let current: { readonly generation: Generation; readonly log: AccessLog } | undefined
  let targets: TargetStates = {}
  let draining = false
  let wakeDrain: () => void = () => {}

  const events: ListenerEvents = {
    request: (listener, request, response) => begin({ listener, request, response }),
    upgrade(listener, request, upgrade) {
      const response = new ServerResponse(request)
      response.assignSocket(upgrade.socket)
      response.shouldKeepAlive = false
      // An answer other than 101 ends the connection: what the client sent behind the head is in nobody's framing.
      response.on('finish', () => upgrade.socket.destroySoon())
      upgrade.socket.on('error', () => upgrade.socket.destroy())
      begin({ listener, request, response, upgrade })
    },
  }

  function begin(arrival: Omit<ExchangeParts, 'generation' | 'target' | 'host' | 'requestId'>): void {
    if (!current) {
      arrival.response.destroy()
      return
    }
    const { generation, log } = current
    const { exchange, refusal } = admit({ ...arrival, generation })
    inFlight.add(exchange)
    watchEnd(exchange, log)
    if (draining) closeAfterAnswer(exchange)
    if (refusal) {
      sendError(exchange, 400, refusal, exchange.protocol === 'h1' ? ['connection', 'close'] : [])
      return
    }
    attachExchange(exchange)
    generation.answer(exchange).catch((error) => {
      if (exchange.response.headersSent) cutAnswer(exchange, messageOf(error))
      else sendError(exchange, 500, messageOf(error))
    })
  }

  function watchEnd(exchange: Exchange, log: AccessLog): void {
    const { response, upgrade } = exchange
    response.on('error', () => {}) // a write to a client that just left; 'close' tells the rest
    const ended = () => {
      const clientGone = exchange.failure === undefined && !exchange.upgraded && !answeredWhole(exchange)
      if (!exchange.end(clientGone)) return
      inFlight.delete(exchange)
      log(recordOf(exchange, clientGone))
      if (retired.size > 0) void closeIdleGenerations()
      wakeDrain()
    }
    if (upgrade) upgrade.socket.on('close', ended)
    else response.on('close', ended)
  }

  async function closeIdleGenerations(): Promise<void> {
    const used = new Set([...inFlight].map(({ generation }) => generation))
    for (const generation of retired) {
      if (used.has(generation)) continue
      retired.delete(generation)
      await generation.close()
    }
    if (retired.size === 0 && current) pools.keepOnly(poolsOf(current.generation.plan))
  }

  return {
    async apply(plan, certificates) {
      const generation = await buildGeneration(plan, { pools, targets: () => targets })
      const kept = listeners.filter((listener) => plan.listeners.some((wanted) => samePort(listener.plan, wanted)))
      const fresh = plan.listeners.filter((wanted) => !kept.some((listener) => samePort(listener.plan, wanted)))
      const opened = await openAll(fresh, certificates, events).catch(async (error) => {
        await generation.close()
        throw error
      })
      for (const listener of kept) listener.use(certificates)
      for (const listener of listeners) if (!kept.includes(listener)) listener.stopAccepting()
      listeners = [...kept, ...opened]
      if (current) retired.add(current.generation)
      current = { generation, log: accessLog(plan) }
      void closeIdleGenerations()
    },
    use(certificates) {
      for (const listener of listeners) listener.use(certificates)
    },
    know(next) {
      targets = next
    },
    async drain(budget) {
      draining = true
      for (const exchange of inFlight) closeAfterAnswer(exchange)
      for (const listener of listeners) listener.stopAccepting()
      const answering = () => [...inFlight].some((exchange) => !exchange.upgraded)
      const deadline = AbortSignal.timeout(budget)
      while (answering() && !deadline.aborted) {
        await new Promise<void>((resolve) => {
          wakeDrain = resolve
          deadline.addEventListener('abort', () => resolve(), { once: true })
        })
      }
      const cut = [...inFlight].filter((exchange) => !exchange.upgraded).length
      await closeTunnels(
        [...inFlight].flatMap((exchange) => (exchange.upgraded && exchange.upgrade ? [exchange.upgrade.socket] : [])),
      )
      for (const listener of listeners) listener.destroy()
      await pools.close()
      return cut
    },
  }
}

/** h1: closed without having been finished; h2: the stream was reset (`writableFinished` is true even then). */
function answeredWhole({ response, stream }: Exchange): boolean {
  if (stream) return response.writableEnded && !stream.aborted && stream.rstCode === 0
  return response.writableFinished
}

/** While draining, an h1 connection is not kept for another request; h2 sessions were told by GOAWAY. */
function closeAfterAnswer({ response, stream }: Exchange): void {
  if (!stream && !response.headersSent) response.shouldKeepAlive = false
}

async function closeTunnels(sockets: readonly Socket[]): Promise<void> {
  const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  for (const socket of sockets) socket.end()
  await Promise.race([closed, pause(tunnelFarewell, undefined, { ref: false })])
  for (const socket of sockets) socket.destroy()
}

async function openAll(
  plans: readonly ListenerPlan[],
  certificates: readonly ServedCertificate[],
  events: ListenerEvents,
): Promise<readonly Listener[]> {
  const results = await Promise.allSettled(plans.map((plan) => openListener(plan, certificates, events)))
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) {
    for (const listener of opened) listener.destroy()
    throw failed.reason
  }
  return opened
}

function samePort(a: ListenerPlan, b: ListenerPlan): boolean {
  return a.name === b.name && a.host === b.host && a.port === b.port && a.tls === b.tls
}

function poolsOf(plan: GatewayPlan): { origin: string; connect: number }[] {
  return plan.routes.flatMap(({ handler }) =>
    handler.kind === 'proxy' ? [{ origin: handler.origin, connect: handler.timeouts.connect }] : [],
  )
}
