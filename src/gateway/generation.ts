/**
 * A generation: a plan compiled into what answers requests. It owns no socket: listeners hand it requests, and a reload
 * replaces it by the next one. A request is matched to a route, passes its guards and reaches its handler; promises are
 * made only where there is something to wait for.
 */
import type { HeaderRules as HeaderRulesPlan, RequestHeadersPlan } from '../plan/model/headers.ts'
import type { GatewayPlan, RoutePlan } from '../plan/model/plan.ts'
import { messageOf } from '../shared/errors.ts'
import { sharing } from '../shared/sharing.ts'
import type { TargetStates } from '../shared/target-states.ts'
import { createNegotiator } from './encoding/negotiate.ts'
import type { FileStore } from './files/store.ts'
import { compileGuards } from './guards/compile.ts'
import { runGuards } from './guards/guard.ts'
import type { GuardResources } from './guards/guard-resources.ts'
import type { LimiterLease } from './guards/rate-limit/stores.ts'
import { createFileAnswer, createFolder, type FileService, type Folder } from './handlers/files.ts'
import { createHealth } from './handlers/health.ts'
import { processIsUp, proxy } from './handlers/proxy.ts'
import { createRedirect } from './handlers/redirect.ts'
import { createRespond } from './handlers/respond.ts'
import { clientCertificateHeaders } from './listen/tls/client-certificates.ts'
import type { PluginSet, Plugins } from './plugins/plugins.ts'
import type { Exchange } from './request/exchange.ts'
import type { ExchangeContext } from './request/exchange-context.ts'
import { idHeadersOf } from './request/request-id.ts'
import { compileRanges } from './request/trust.ts'
import { compileHeaderRules, compileRequestRules, type RequestRules } from './response/header-rules.ts'
import { sendError, statusOf } from './response/respond.ts'
import { createChoose } from './route/choose.ts'
import type { UpstreamLease, Upstreams } from './upstream/upstreams.ts'

export interface Generation extends ExchangeContext {
  /** Chooses the route, runs its guards and its handler. The answer goes to the exchange's response. Never throws. */
  answer(exchange: Exchange): void
  /** Releases its leases on the thread's resources; to be called after its last answer. */
  close(): void
}

/**
 * What a generation uses and does not own. `withdrawn`: readiness answers 503, because the gateway is about to stop.
 */
export interface GenerationResources {
  readonly upstreams: Upstreams
  readonly files: FileStore
  readonly guards: GuardResources
  readonly plugins: Plugins
  targets(): TargetStates
  withdrawn(): boolean
}

/** Writes the answer to the exchange's response; compiled once per generation. */
type RouteHandler = (exchange: Exchange) => void | Promise<void>

/**
 * Resolves with a generation that is ready to answer. Rejects if the plan has a header that cannot be sent, names a CA
 * file of an upstream that cannot be read, or a plugin that cannot be loaded; with `restoring`, the routes of such a
 * plugin answer 503.
 */
export async function buildGeneration(
  plan: GatewayPlan,
  resources: GenerationResources,
  restoring = false,
): Promise<Generation> {
  const limits = resources.guards.stores.lease(plan.rateLimitStore)
  let plugins: PluginSet | undefined
  try {
    plugins = await resources.plugins.open(plan.routes, restoring)
    return await build(plan, resources, { limits, plugins })
  } catch (error) {
    plugins?.close()
    limits.release()
    throw error
  }
}

interface OwnedByGeneration {
  readonly limits: LimiterLease
  readonly plugins: PluginSet
}

async function build(
  plan: GatewayPlan,
  resources: GenerationResources,
  { limits, plugins }: OwnedByGeneration,
): Promise<Generation> {
  const idHeaders = idHeadersOf(plan.requestId)
  const compileRules = sharing((headers: HeaderRulesPlan) => compileHeaderRules(headers, idHeaders))
  const ownRules = compileRules(plan.response.headers)
  const rules = plan.routes.map(({ response }) => compileRules(response.headers))
  const compileRequest = sharing((request: RequestHeadersPlan) => compileRequestRules(request, idHeaders))
  const requestRules = plan.routes.map(({ request }) => compileRequest(request))
  const { limiter } = limits
  const guards = compileGuards(plan, { limiter, authServices: resources.guards.authServices })
  const files: FileService = {
    store: resources.files,
    encodings: plan.compression,
    negotiate: createNegotiator(plan.compression),
  }
  const folders = plan.routes.map(({ handler }) =>
    handler.kind === 'files' ? createFolder(handler, files) : undefined,
  )
  await limits.settled
  const upstreams = await resources.upstreams.lease(plan)

  const shared: HandlerResources = { folders, files, upstreams, plugins, targets: resources.targets }
  const handlers = plan.routes.map((route, index) => handlerOf(route, index, shared))
  const choose = createChoose(plan, folders)
  const health = createHealth(plan, resources.withdrawn)

  function handle(exchange: Exchange): void {
    try {
      const handler = handlers[exchange.routeIndex] ?? noRoute
      handler(exchange)?.catch((error) => fail(exchange, error))
    } catch (error) {
      fail(exchange, error)
    }
  }

  function proceed(exchange: Exchange, routeIndex: number): void {
    exchange.routeIndex = routeIndex
    runGuards(exchange, guards(routeIndex), handle)
  }

  return {
    plan,
    trusts: compileRanges(plan.trustedProxies),
    rulesOf: (routeIndex) => rules[routeIndex] ?? ownRules,
    requestRulesOf: (routeIndex) => requestRules[routeIndex] as RequestRules,
    hsts: new Map(plan.listeners.flatMap(({ name, hsts }) => (hsts === undefined ? [] : [[name, hsts]]))),
    clientCertificates: clientCertificateHeaders(plan.listeners),
    negotiate: files.negotiate,
    answer(exchange) {
      try {
        if (health(exchange)) return
        const chosen = choose(exchange)
        if (typeof chosen === 'number') proceed(exchange, chosen)
        else chosen.then((routeIndex) => proceed(exchange, routeIndex)).catch((error) => fail(exchange, error))
      } catch (error) {
        fail(exchange, error)
      }
    },
    close() {
      plugins.close()
      upstreams.release()
      limits.release()
    },
  }
}

/** What the handlers of all routes share. */
interface HandlerResources extends Pick<GenerationResources, 'targets'> {
  /** By index of the route. */
  readonly folders: readonly (Folder | undefined)[]
  readonly files: FileService
  readonly upstreams: UpstreamLease
  readonly plugins: PluginSet
}

function handlerOf({ handler }: RoutePlan, index: number, shared: HandlerResources): RouteHandler {
  const { folders, files, upstreams, plugins, targets } = shared
  switch (handler.kind) {
    case 'proxy': {
      const upstream = upstreams.of(index)
      return (exchange) => {
        if (processIsUp(exchange, handler, targets())) proxy(exchange, handler, upstream)
      }
    }
    case 'files':
      return (folders[index] as Folder).answer
    case 'file':
      return createFileAnswer(handler, files)
    case 'redirect':
      return createRedirect(handler)
    case 'respond':
      return createRespond(handler)
    case 'plugin':
      return plugins.of(index).answer
  }
}

const noRoute: RouteHandler = (exchange) => sendError(exchange, 404, 'no route matches')

/** Answers with the status that the error asks for; only the log gets its message. */
function fail(exchange: Exchange, error: unknown): void {
  sendError(exchange, statusOf(error), messageOf(error))
}
