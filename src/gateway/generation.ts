/**
 * A generation: the gateway's plan made ready to answer. It owns no socket: a listener hands it requests, and a reload
 * puts the next one in its place. Fastify runs the guards and the handlers; which route answers is decided before, by
 * our ordered router, and reaches Fastify as the path `/INDEX`.
 */
import httpProxy from '@fastify/http-proxy'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { GatewayPlan, ProxyPlan, RoutePlan } from '../plan/types.ts'
import { messageOf } from '../shared/errors.ts'
import { answeredMethods } from './admit.ts'
import { type Exchange, exchangeOf } from './exchange.ts'
import { compileGuards } from './guards/compile.ts'
import { type Guard, runGuards } from './guards/guard.ts'
import { readsFiles, serveFile, serveFiles } from './handlers/files.ts'
import { locate } from './handlers/locate.ts'
import { createPages } from './handlers/pages.ts'
import { processIsUp, proxy } from './handlers/proxy.ts'
import { redirect } from './handlers/redirect.ts'
import type { TargetStates } from './ports.ts'
import { finalHeaders, sendError } from './respond.ts'
import { compileResponseRules, type ResponseRules } from './response-rules.ts'
import { createRouter } from './router.ts'
import type { Upstream } from './upstream/upstream.ts'
import type { Upstreams } from './upstream/upstreams.ts'

export interface Generation {
  readonly plan: GatewayPlan
  /** Whether an address is that of a proxy in front of us. */
  readonly trusts: InRanges
  /** Headers for answers of the route with this index; -1: of no route. */
  rulesOf(routeIndex: number): ResponseRules
  /** Where the proxy route with this index sends requests. */
  upstreamOf(routeIndex: number): Upstream
  /** Chooses the route, runs its guards and its handler. The answer goes to the exchange's response. */
  answer(exchange: Exchange): Promise<void>
  close(): Promise<void>
}

/** What a generation uses and does not own. */
export interface Surroundings {
  readonly upstreams: Upstreams
  targets(): TargetStates
}

type RouteHandler = (exchange: Exchange, reply: FastifyReply) => void | Promise<void>

/**
 * Resolves with a generation that is ready to answer; rejects if the plan holds a header that cannot be sent, or names a file
 * of an upstream that cannot be read.
 */
export async function buildGeneration(plan: GatewayPlan, surroundings: Surroundings): Promise<Generation> {
  const ownRules = compileResponseRules(plan.response, plan.requestId.header)
  const rules = plan.routes.map((route) => compileResponseRules(route.response, plan.requestId.header))
  const ownGuards = compileGuards(plan.guards)
  const guards = plan.routes.map((route) => compileGuards(route.guards))
  const app = bareFastify((index) => guards[index] ?? ownGuards)
  await app.register(fastifyStatic, { root: '/', serve: false })
  const proxied = plan.routes.flatMap((route, index) => (route.handler.kind === 'proxy' ? [`/${index}`] : []))
  if (proxied.length > 0) {
    await app.register(httpProxy, {
      upstream: 'http://decided-by-the-route.invalid',
      routes: proxied,
      httpMethods: [...answeredMethods],
      handler: (request, reply) => passOn(exchangeOf(request.raw), reply, surroundings),
    })
  }
  for (const [index, route] of plan.routes.entries()) {
    if (route.handler.kind !== 'proxy') addRoute(app, index, localHandler(route))
  }
  await app.ready()
  const upstreams = await surroundings.upstreams.lease(plan)

  const router = createRouter(plan.routes)

  return {
    plan,
    trusts: compileRanges(plan.trustedProxies),
    rulesOf: (routeIndex) => rules[routeIndex] ?? ownRules,
    upstreamOf: upstreams.of,
    async answer(exchange) {
      exchange.routeIndex = await choose(exchange, plan, router.match)
      if (exchange.routeIndex === -1) runGuards(exchange, ownGuards, () => sendError(exchange, 404, 'no route matches'))
      else app.routing(exchange.request as never, exchange.response)
    },
    async close() {
      upstreams.release()
      await app.close()
    },
  }
}

function bareFastify(guardsOf: (routeIndex: number) => readonly Guard[]): FastifyInstance {
  const app = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    rewriteUrl: (request) => `/${exchangeOf(request).routeIndex}`,
  })
  // Bodies are streamed by the handlers. Told that no method has one, Fastify neither parses nor refuses any: it would
  // read text/plain, answer 415 to types it does not know and 400 to a QUERY without a type.
  for (const method of answeredMethods) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.addHook('onRequest', (request, _reply, done) => {
    const exchange = exchangeOf(request.raw)
    runGuards(exchange, guardsOf(exchange.routeIndex), done)
  })
  app.addHook('onSend', async (request, reply) => headAsRuled(exchangeOf(request.raw), reply))
  app.setNotFoundHandler((request, reply) =>
    fail(exchangeOf(request.raw), reply, { status: 404, cause: 'no such file' }),
  )
  app.setErrorHandler((error, request, reply) => {
    const { headers } = error as { headers?: Readonly<Record<string, string>> }
    fail(exchangeOf(request.raw), reply, { status: statusOf(error), cause: messageOf(error), headers })
  })
  return app
}

function addRoute(app: FastifyInstance, index: number, answer: RouteHandler): void {
  app.route({
    url: `/${index}`,
    method: [...answeredMethods],
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      await answer(exchangeOf(request.raw), reply)
      return reply
    },
  })
}

function localHandler(route: RoutePlan): RouteHandler {
  const { handler } = route
  switch (handler.kind) {
    case 'files': {
      const pages = handler.render && createPages(handler, handler.render)
      return (exchange, reply) => serveFiles(exchange, reply, handler, pages)
    }
    case 'file':
      return (exchange, reply) => serveFile(exchange, reply, handler)
    case 'redirect':
      return (exchange, reply) => {
        reply.hijack()
        redirect(exchange, handler)
      }
    case 'proxy':
      throw new Error('proxy routes are registered together')
  }
}

function passOn(exchange: Exchange, reply: FastifyReply, { targets }: Surroundings): void {
  reply.hijack()
  const plan = exchange.route?.handler as ProxyPlan
  if (!processIsUp(exchange, plan, targets())) return
  proxy(exchange, plan, exchange.generation.upstreamOf(exchange.routeIndex))
}

/** The first matching route; one for existing files is passed over where there is none. */
async function choose(
  exchange: Exchange,
  plan: GatewayPlan,
  match: ReturnType<typeof createRouter>['match'],
): Promise<number> {
  const { listener, host, target, request } = exchange
  const query = { listener: listener.name, host, path: target.path, method: request.method ?? '' }
  for (let index = match(query, -1); index !== -1; index = match(query, index)) {
    const handler = plan.routes[index]?.handler
    if (handler?.kind !== 'files' || !handler.existingOnly) return index
    if (!readsFiles(exchange)) continue
    exchange.located = await locate(handler, target.path)
    if (exchange.located !== undefined) return index
  }
  return -1
}

/** Answers that Fastify writes itself (files) get the same head as those that we write. */
function headAsRuled(exchange: Exchange, reply: FastifyReply): void {
  const length = reply.getHeader('content-length')
  if (exchange.request.method !== 'HEAD') exchange.bytesSent = Number(length ?? 0)
  for (const name of exchange.rules.governed) reply.removeHeader(name)
  const added = finalHeaders(exchange, [])
  for (let i = 0; i < added.length; i += 2) reply.header(added[i] as string, added[i + 1])
}

interface Failure {
  readonly status: number
  readonly cause: string
  readonly headers?: Readonly<Record<string, string>> | undefined
}

function fail(exchange: Exchange, reply: FastifyReply, { status, cause, headers = {} }: Failure): void {
  reply.hijack()
  sendError(exchange, status, cause, Object.entries(headers).flat())
}

function statusOf(error: unknown): number {
  const status = (error as { statusCode?: unknown }).statusCode
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500
}
