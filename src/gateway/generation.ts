/**
 * A generation: the gateway's plan made ready to answer. It owns no socket: a listener hands it requests, and a reload
 * puts the next one in its place. Fastify runs the guards and the handlers; which route answers is decided before, by
 * our ordered router, and reaches Fastify as the path `/INDEX`.
 */
import httpProxy from '@fastify/http-proxy'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { GatewayPlan, ProxyPlan, RoutePlan } from '../plan/types.ts'
import { messageOf } from '../shared/errors.ts'
import { answeredMethods } from './admit.ts'
import { type ClientCertificateHeaders, clientCertificateHeaders } from './client-certificates.ts'
import { createNegotiator, type Negotiate } from './encoding/negotiate.ts'
import { type Exchange, exchangeOf } from './exchange.ts'
import type { FileStore } from './files/store.ts'
import { compileGuards, type Guards } from './guards/compile.ts'
import { runGuards } from './guards/guard.ts'
import type { GuardMeans } from './guards/means.ts'
import type { LimiterLease } from './guards/rate-limit/stores.ts'
import { answerUnread } from './guards/unread-body.ts'
import { createFileAnswer, createFolder, type FileService, type Folder, readsFiles } from './handlers/files.ts'
import { processIsUp, proxy } from './handlers/proxy.ts'
import { createRedirect } from './handlers/redirect.ts'
import { createRespond } from './handlers/respond.ts'
import { compileHeaderRules, type HeaderRules } from './header-rules.ts'
import { createHealth } from './health.ts'
import type { TargetStates } from './ports.ts'
import { idHeadersOf } from './request-id.ts'
import { sendError, statusOf } from './respond.ts'
import { compileRewrite, type Rewrite } from './rewrite.ts'
import { createRouter, type Router } from './router.ts'
import type { TargetPath } from './target-path.ts'
import { compileRanges, type InRanges } from './trust.ts'
import type { Upstream } from './upstream/upstream.ts'
import type { Upstreams } from './upstream/upstreams.ts'

export interface Generation {
  readonly plan: GatewayPlan
  /** Whether an address is that of a proxy in front of us. */
  readonly trusts: InRanges
  /** Headers for answers of the route with this index; -1: of no route. */
  rulesOf(routeIndex: number): HeaderRules
  /** Headers for upstreams of the proxy route with this index. */
  requestRulesOf(routeIndex: number): HeaderRules
  /** Of Strict-Transport-Security, by the name of the listener. */
  readonly hsts: ReadonlyMap<string, string>
  readonly clientCertificates: ClientCertificateHeaders
  /** Which encodings a client wants. */
  readonly negotiate: Negotiate
  /** Where the proxy route with this index sends requests. */
  upstreamOf(routeIndex: number): Upstream
  /** Chooses the route, runs its guards and its handler. The answer goes to the exchange's response. */
  answer(exchange: Exchange): Promise<void>
  close(): Promise<void>
}

/** What a generation uses and does not own. */
export interface Surroundings {
  readonly upstreams: Upstreams
  readonly files: FileStore
  readonly guards: GuardMeans
  targets(): TargetStates
  /** Whether the gateway wants no more requests. */
  withdrawn(): boolean
}

/** Writes the answer to the exchange's own response, of which Fastify then knows nothing. */
type RouteHandler = (exchange: Exchange) => void | Promise<void>

/**
 * Resolves with a generation that is ready to answer; rejects if the plan holds a header that cannot be sent, or names a file
 * of an upstream that cannot be read.
 */
export async function buildGeneration(plan: GatewayPlan, surroundings: Surroundings): Promise<Generation> {
  const limits = surroundings.guards.stores.lease(plan.rateLimitStore)
  try {
    return await build(plan, surroundings, limits)
  } catch (error) {
    limits.release()
    throw error
  }
}

async function build(plan: GatewayPlan, surroundings: Surroundings, limits: LimiterLease): Promise<Generation> {
  const idHeaders = idHeadersOf(plan.requestId)
  const ownRules = compileHeaderRules(plan.response.headers, idHeaders)
  const rules = plan.routes.map((route) => compileHeaderRules(route.response.headers, idHeaders))
  const requestRules = plan.routes.map((route) => compileHeaderRules(route.request.headers, idHeaders))
  const { limiter } = limits
  const guards = compileGuards(plan, { limiter, authServices: surroundings.guards.authServices })
  const app = bareFastify(guards)
  const files: FileService = {
    store: surroundings.files,
    encodings: plan.compression,
    negotiate: createNegotiator(plan.compression),
  }
  const folders = plan.routes.map(({ handler }) =>
    handler.kind === 'files' ? createFolder(handler, files) : undefined,
  )
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
    if (route.handler.kind !== 'proxy') addRoute(app, index, folders[index]?.answer ?? localHandler(route, files))
  }
  await app.ready()
  await limits.settled
  const upstreams = await surroundings.upstreams.lease(plan)

  const router = createRouter(plan.routes)
  const rewrites = plan.routes.map(({ rewrite }) => rewrite && compileRewrite(rewrite))
  const match = router.match
  const health = createHealth(plan, surroundings.withdrawn)

  return {
    plan,
    trusts: compileRanges(plan.trustedProxies),
    rulesOf: (routeIndex) => rules[routeIndex] ?? ownRules,
    requestRulesOf: (routeIndex) => requestRules[routeIndex] as HeaderRules,
    hsts: new Map(plan.listeners.flatMap(({ name, hsts }) => (hsts === undefined ? [] : [[name, hsts]]))),
    clientCertificates: clientCertificateHeaders(plan.listeners),
    negotiate: files.negotiate,
    upstreamOf: upstreams.of,
    async answer(exchange) {
      if (health(exchange)) return
      exchange.routeIndex = await choose(exchange, { folders, rewrites, match })
      if (exchange.routeIndex === -1)
        runGuards(exchange, guards(-1), () => {
          answerUnread(exchange)
          sendError(exchange, 404, 'no route matches')
        })
      else app.routing(exchange.request as never, exchange.response)
    },
    async close() {
      upstreams.release()
      limits.release()
      await app.close()
    },
  }
}

function bareFastify(guardsOf: Guards): FastifyInstance {
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
    handler: (request: FastifyRequest, reply: FastifyReply) => {
      reply.hijack()
      const exchange = exchangeOf(request.raw)
      answerUnread(exchange)
      answer(exchange)?.catch((error) => sendError(exchange, 500, messageOf(error)))
    },
  })
}

function localHandler({ handler }: RoutePlan, files: FileService): RouteHandler {
  switch (handler.kind) {
    case 'file':
      return createFileAnswer(handler, files)
    case 'redirect':
      return createRedirect(handler)
    case 'respond':
      return createRespond(handler)
    case 'files':
    case 'proxy':
      throw new Error(`routes of kind ${handler.kind} are made elsewhere`)
  }
}

function passOn(exchange: Exchange, reply: FastifyReply, { targets }: Surroundings): void {
  reply.hijack()
  const plan = exchange.route?.handler as ProxyPlan
  if (!processIsUp(exchange, plan, targets())) return
  proxy(exchange, plan, exchange.generation.upstreamOf(exchange.routeIndex))
}

/** By index of the route, where it has one. */
interface Choices {
  readonly folders: readonly (Folder | undefined)[]
  readonly rewrites: readonly (Rewrite | undefined)[]
  readonly match: Router['match']
}

/** The first matching route; one for existing files is passed over where there is none. */
async function choose(exchange: Exchange, { folders, rewrites, match }: Choices): Promise<number> {
  const { listener, host, target, request } = exchange
  const query = {
    listener: listener.name,
    host,
    path: target.path,
    method: request.method ?? '',
    headers: request.headers,
  }
  for (let index = match(query, -1); index !== -1; index = match(query, index)) {
    const folder = folders[index]
    exchange.inner = innerOf(target, rewrites[index])
    if (!folder?.existingOnly) return index
    if (!readsFiles(exchange)) continue
    // Awaited only where the disk must be asked: what is known of a hot file is known now.
    const located = folder.locate(exchange)
    exchange.located = located instanceof Promise ? await located : located
    if (exchange.located !== undefined) return index
  }
  return -1
}

function innerOf(target: TargetPath, rewrite: Rewrite | undefined): TargetPath {
  if (!rewrite) return target
  const inner = rewrite(target)
  if (!inner) throw Object.assign(new Error('no sound path is left of the rewriting'), { statusCode: 400 })
  return inner
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
