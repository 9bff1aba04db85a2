import { normalize } from 'node:path'
import type { Variables } from '../config/interpolate.ts'
import type { RouteConfig } from '../config/schema/route.ts'
import { type Asked, type AskedRoute, absolute, keyAt, valueAt } from './asked.ts'
import { resolveGuards, resolveLimits } from './resolve-guards.ts'
import { routeLabel } from './route-label.ts'
import type { FilesPlan, GatewayPlan, HandlerPlan, ListenerPlan, ResponsePlan, RouteMatch, RoutePlan } from './types.ts'

const defaultTimeouts = { connect: 3_000, response: 120_000 }

/** Listeners, routes and what holds for all of them; only for what passed every check. */
export function resolveGateway(asked: Asked): GatewayPlan {
  const { threads, requestId, response, accessLog, compression } = asked.config.gateway
  const headers = lowerCaseKeys(response.headers)
  const skip = typeof accessLog === 'boolean' ? [] : (accessLog.skip ?? [])
  return {
    threads,
    listeners: resolveListeners(asked),
    routes: asked.routes.map((route) => resolveRoute(asked, route, headers)),
    requestId: { ...requestId, header: requestId.header.toLowerCase() },
    limits: resolveLimits(asked),
    guards: resolveGuards(asked),
    response: { headers },
    accessLog: accessLog === false ? false : { skip },
    compression,
  }
}

function resolveListeners(asked: Asked): readonly ListenerPlan[] {
  return asked.listeners.map(({ path, ...listener }) => ({ ...listener, position: keyAt(asked, path) }))
}

function resolveRoute(
  asked: Asked,
  { route, listeners, path }: AskedRoute,
  shared: ResponsePlan['headers'],
): RoutePlan {
  return {
    label: routeLabel(route),
    match: resolveMatch(route, listeners),
    handler: resolveHandler(asked, route),
    guards: resolveGuards(asked, route),
    response: { headers: { ...shared, ...lowerCaseKeys(route.response?.headers ?? {}) } },
    position: valueAt(asked, path),
  }
}

function resolveMatch({ host, path, methods }: RouteConfig, listeners?: readonly string[]): RouteMatch {
  return {
    ...(listeners && { listeners }),
    ...(host && { hosts: host.map((pattern) => pattern.toLowerCase()) }),
    ...(path && { paths: path }),
    ...(methods && { methods }),
  }
}

function resolveHandler(
  asked: Asked,
  { to, timeouts = defaultTimeouts, files, file, redirect }: RouteConfig,
): HandlerPlan {
  if (to && 'origin' in to) return { kind: 'proxy', origin: to.origin, timeouts }
  if (to) {
    const origin = `http://127.0.0.1:${asked.config.processes[to.process]?.port}`
    return { kind: 'proxy', origin, process: to.process, timeouts }
  }
  if (files) return resolveFiles(asked, files)
  if (file !== undefined) return { kind: 'file', path: absolute(asked, file) }
  const { to: location = '', status = 302, close = false } = redirect ?? {}
  return { kind: 'redirect', to: location, status, close }
}

function resolveFiles(asked: Asked, files: NonNullable<RouteConfig['files']>): FilesPlan {
  const { root, only, except = [], fallback, cacheControl, render } = files
  return {
    kind: 'files',
    root: absolute(asked, root),
    existingOnly: only === 'existing',
    except: except.map(normalize),
    ...(fallback !== undefined && { fallback: normalize(fallback) }),
    ...(cacheControl !== undefined && { cacheControl: expandCacheControl(cacheControl) }),
    ...(render && {
      render: {
        files: render.files.map(normalize),
        variables: variablesNamed(asked.content.environment, new RegExp(render.variables)),
      },
    }),
  }
}

/** RFC 8246: a file whose name changes with its content need never be asked for again. */
function expandCacheControl(written: string): string {
  return written === 'immutable' ? 'public, max-age=31536000, immutable' : written
}

function variablesNamed(variables: Variables, pattern: RegExp): Variables {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => pattern.test(name)))
}

/** Field names are case-insensitive (RFC 9110 §5.1); the plan knows one spelling. */
function lowerCaseKeys(headers: ResponsePlan['headers']): ResponsePlan['headers'] {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
