import { normalize } from 'node:path'
import type { Variables } from '../../../config/environment/interpolate.ts'
import type { GatewayConfig } from '../../../config/schema/gateway/gateway.ts'
import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import type { Path } from '../../../config/yaml/located.ts'
import { challengeFolder } from '../../../shared/files/challenge-files.ts'
import { type HeadersPlan, mergeRules, type RequestHeadersPlan } from '../../model/headers.ts'
import { chosenLater, portPlaceholder } from '../../model/own-port.ts'
import type { FilesPlan, GatewayPlan, HandlerPlan, RequestIdPlan, RouteMatch, RoutePlan } from '../../model/plan.ts'
import type { RewritePlan } from '../../model/routes.ts'
import { normalPathPattern } from '../../patterns/path-pattern.ts'
import { absolute, type PlanContext, valuePosition, writtenName } from '../plan-context.ts'
import type { ActiveRoute } from './active-routes.ts'
import { hasGuards, resolveGuards, resolveLimits, resolveRateLimitStore, resolveUsers } from './guards.ts'
import { resolveHeaders } from './headers.ts'
import { resolveListeners } from './listeners.ts'
import { routeLabel } from './route-label.ts'
import { resolveUpstreams } from './upstreams.ts'

const defaultTimeouts = { connect: 3_000, response: 120_000 }

/** Listeners, routes and what they share. Only for a config that passed every check. */
export function resolveGateway(context: PlanContext): GatewayPlan {
  const { threads, requestId, response, accessLog, compression } = context.config.gateway
  const common: CommonToRoutes = {
    guards: resolveGuards(context),
    request: {
      headers: resolveHeaders(context.config.gateway.request),
      keep: lowerCase(context.config.gateway.request.keep),
    },
    response: { headers: resolveHeaders(response) },
  }
  const skip = (typeof accessLog === 'boolean' ? undefined : accessLog.skip) ?? probes(context)
  return {
    threads,
    listeners: resolveListeners(context),
    routes: context.routes.map((route) => resolveRoute(context, route, common)),
    trustedProxies: context.config.gateway.trustedProxies.flat(),
    upstreams: resolveUpstreams(context),
    requestId: resolveRequestId(requestId),
    limits: resolveLimits(context),
    users: resolveUsers(context),
    guards: common.guards,
    ...resolveRateLimitStore(context),
    ...resolveChallenges(context),
    response: common.response,
    health: context.config.gateway.health,
    errors: context.config.gateway.errors,
    accessLog: accessLog === false ? false : { skip: skip.map(normalPathPattern) },
    compression,
  }
}

/** Present if an ACME server may look for HTTP-01 challenges. */
function resolveChallenges({ config, storage }: PlanContext): { readonly challengeFolder?: string } {
  const looks = config.certificates.some(({ use }) =>
    use.some(({ acme }) => acme && (acme.challenges?.includes('http-01') ?? !acme.dns)),
  )
  return looks ? { challengeFolder: challengeFolder(storage) } : {}
}

/** Health checks would fill the log with a line a second. */
function probes({ listeners, config }: PlanContext): readonly string[] {
  const { live, ready } = config.gateway.health
  return listeners.some(({ health }) => health) ? [live, ready] : []
}

function resolveRequestId({ header, accept, invalid, internal }: GatewayConfig['requestId']): RequestIdPlan {
  return {
    header: header.toLowerCase(),
    accept,
    ...(invalid !== undefined && { invalid }),
    ...(internal !== undefined && { internal: internal.toLowerCase() }),
  }
}

/** The defaults of routes. They share one object, in the threads too: there may be thousands of routes. */
type CommonToRoutes = Pick<RoutePlan, 'guards' | 'request' | 'response'>

function resolveRoute(context: PlanContext, asking: ActiveRoute, common: CommonToRoutes): RoutePlan {
  const { route, listeners, path, ownHeaders } = asking
  return {
    label: routeLabel(route),
    match: resolveMatch(route, listeners),
    handler: resolveHandler(context, route, path),
    guards: hasGuards(route) ? resolveGuards(context, route) : common.guards,
    ...(route.encodedSlashes && { encodedSlashes: route.encodedSlashes }),
    ...resolveRewrite(route),
    request: requestOver(common.request, route.request),
    ...(ownHeaders && { ownHeaders }),
    response: headersOver(ownHeaders ? { headers: {} } : common.response, route.response),
    position: valuePosition(context, path),
  }
}

function requestOver(common: RequestHeadersPlan, written: RouteConfig['request']): RequestHeadersPlan {
  if (!written) return common
  return { ...headersOver(common, written), keep: [...new Set([...common.keep, ...lowerCase(written.keep)])] }
}

function lowerCase(names: readonly string[] = []): readonly string[] {
  return names.map((name) => name.toLowerCase())
}

function headersOver(common: HeadersPlan, written: RouteConfig['response']): HeadersPlan {
  return written ? { headers: mergeRules(common.headers, resolveHeaders(written)) } : common
}

function resolveRewrite({ stripPrefix, rewrite }: RouteConfig): { readonly rewrite?: RewritePlan } {
  if (stripPrefix === undefined && rewrite === undefined) return {}
  return { rewrite: { ...(stripPrefix !== undefined && { stripPrefix }), ...rewrite } }
}

function resolveMatch({ host, path, methods, headers }: RouteConfig, listeners?: readonly string[]): RouteMatch {
  return {
    ...(listeners && { listeners }),
    ...(host && { hosts: host.map((pattern) => pattern.toLowerCase()) }),
    ...(path && { paths: path.map(normalPathPattern) }),
    ...(methods && { methods }),
    ...(headers && {
      headers: Object.entries(headers).map(([name, pattern]) => ({ name: name.toLowerCase(), pattern })),
    }),
  }
}

function resolveHandler(
  context: PlanContext,
  { to, timeouts = defaultTimeouts, files, file, redirect, respond, plugin }: RouteConfig,
  path: Path,
): HandlerPlan {
  if (to && 'origin' in to) return { kind: 'proxy', origin: to.origin, timeouts }
  if (to) {
    if (Object.hasOwn(context.config.upstreams, to.name)) return { kind: 'proxy', upstream: to.name, timeouts }
    const { port, protocol = 'http' } = context.config.processes[to.name] ?? {}
    const origin = `${protocol}://127.0.0.1:${port === chosenLater ? portPlaceholder : port}`
    return { kind: 'proxy', origin, process: to.name, timeouts }
  }
  if (files) return resolveFiles(context, files)
  if (file !== undefined) return { kind: 'file', path: absolute(context, file) }
  if (respond) return { kind: 'respond', ...respond }
  if (plugin) {
    const where = [...path, 'plugin', 'file']
    return {
      kind: 'plugin',
      file: absolute(context, plugin.file),
      name: writtenName(context, where),
      position: valuePosition(context, where),
      options: plugin.options ?? {},
      timeout: timeouts.response,
    }
  }
  const { to: location = '', status = 302, close = false } = redirect ?? {}
  return { kind: 'redirect', to: location, status, close }
}

function resolveFiles(context: PlanContext, files: NonNullable<RouteConfig['files']>): FilesPlan {
  const { root, only, except = [], fallback, cacheControl, render } = files
  return {
    kind: 'files',
    root: absolute(context, root),
    existingOnly: only === 'existing',
    except: except.map(normalize),
    ...(fallback !== undefined && { fallback: normalize(fallback) }),
    ...(cacheControl !== undefined && { cacheControl: expandCacheControl(cacheControl) }),
    ...(render && {
      render: {
        files: render.files.map(normalize),
        variables: variablesNamed(context.environment, new RegExp(render.variables)),
      },
    }),
  }
}

/** RFC 8246: a file whose name changes with its content never needs to be requested again. */
function expandCacheControl(written: string): string {
  return written === 'immutable' ? 'public, max-age=31536000, immutable' : written
}

function variablesNamed(variables: Variables, pattern: RegExp): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => pattern.test(name)))
}
