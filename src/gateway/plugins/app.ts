/** One plugin of one route: a Fastify app that answers, but never listens. */
import type { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { PluginPlan } from '../../plan/model/routes.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { TargetState, TargetStates } from '../../shared/target-states.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { Exchange } from '../request/exchange.ts'
import { sendError, statusOf } from '../response/respond.ts'
import { pluginLog } from './log.ts'
import { PluginRequest } from './request.ts'
import { PluginResponse } from './response.ts'
import { upgradeInPlugin } from './upgrade.ts'

export interface PluginApp {
  /** Lets the plugin answer; bounded by the time limit of the route. */
  answer(exchange: Exchange): void
  /** Runs the plugin's `onClose` hooks; never rejects. Its event streams and WebSockets end. */
  close(): Promise<void>
}

export interface PluginAppOptions {
  readonly log: Log
  targets(): TargetStates
}

/** `plugin` is what the file exports. Rejects with what it throws, or if it is not ready within 10 s. */
export async function createPluginApp(
  plan: PluginPlan,
  plugin: FastifyPluginAsync,
  { log, targets }: PluginAppOptions,
): Promise<PluginApp> {
  // A thread without plugins does not load it.
  const { fastify, LogController } = (await import('fastify')).default
  const app: FastifyInstance = fastify({
    loggerInstance: pluginLog(log, { plugin: plan.file }),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (request) => (request as PluginRequest).exchange.requestId,
  })
  /** Event streams and tunnels, which would never end by themselves. */
  const openEnded = new Set<Exchange>()
  app.decorateRequest('exchange', {
    getter() {
      return (this.raw as PluginRequest).exchange
    },
  })
  app.decorate('processes', { getter: () => processesOf(targets()) })
  app.setErrorHandler((error, request, reply) => {
    const status = statusOf(error)
    // Those below 500 are answers, such as that of a failed validation; Fastify writes them.
    if (status < 500) return reply.send(error)
    reply.hijack()
    const exchange = PluginRequest.exchangeOf(request.raw)
    request.log.error(error as Error, `plugin ${plan.name}: ${messageOf(error)}`)
    sendError(exchange, status, `plugin: ${messageOf(error)}`)
    return reply
  })
  // In a scope of its own: it may set an error handler itself, even if it is not encapsulated.
  app.register(async (scope) => {
    scope.register(plugin, plan.options)
  })
  app.addHook('preClose', async () => {
    for (const { closeTunnel, response } of openEnded) {
      if (closeTunnel) closeTunnel()
      else response.end()
    }
  })
  try {
    await app.ready()
  } catch (error) {
    await close(app, log)
    throw error
  }

  return {
    answer(exchange) {
      const late = () => sendError(exchange, 504, `plugin: no response within ${plan.timeout} ms`)
      const limit = setTimeout(late, plan.timeout).unref()
      const answered = (): void => {
        clearTimeout(limit)
        if (exchange.kind === 'answer') return
        openEnded.add(exchange)
        const channel: EventEmitter = exchange.upgrade?.socket ?? exchange.response
        channel.once('close', () => openEnded.delete(exchange))
      }
      exchange.onSettled(() => clearTimeout(limit))
      if (exchange.upgrade && app.server.listenerCount('upgrade') > 0) {
        upgradeInPlugin(exchange, exchange.upgrade, app.server, answered)
        return
      }
      const request = new PluginRequest(exchange, socketOf(exchange), () => limit.refresh())
      const response = new PluginResponse(exchange, request, answered)
      exchange.onAbandoned(() => request.abort())
      app.routing(request, response)
    },
    close: () => close(app, log),
  }
}

async function close(app: FastifyInstance, log: Log): Promise<void> {
  try {
    await app.close()
  } catch (error) {
    log.error(`a plugin failed to close: ${messageOf(error)}`)
  }
}

/** The states of the processes, by name. */
export type ProcessStates = Readonly<Record<string, TargetState>>

/** States are replaced as a whole, so one object can be made for all requests until the next change. */
const views = new WeakMap<TargetStates, ProcessStates>()

/** Without the targets of upstreams, whose keys have blanks. */
function processesOf(targets: TargetStates): ProcessStates {
  const known = views.get(targets)
  if (known) return known
  const ofProcesses = Object.entries(targets).filter(([name]) => !name.includes(' '))
  const view = Object.freeze(
    Object.fromEntries(ofProcesses.map(([name, state]) => [name, Object.freeze({ ...state })])),
  )
  views.set(targets, view)
  return view
}

/**
 * The client's connection, as if the client had connected directly: `request.ip` and `request.protocol` use it. It
 * carries other exchanges, too, so a plugin sets no timeout for it.
 */
function socketOf({ request, client, identity }: Exchange): Socket {
  return Object.create(request.socket, {
    remoteAddress: { value: client },
    encrypted: { value: identity.scheme === 'https' },
    setTimeout: { value: () => request.socket },
  })
}
