/** Parts of a route, other than its patterns, that can match nothing. */
import { join, normalize } from 'node:path'
import type { RouteConfig } from '../../../config/schema/gateway/route.ts'
import { pathPatternKey } from '../../patterns/path-pattern.ts'
import type { PatternProblem } from '../../patterns/pattern-problem.ts'
import { absolute, type PlanContext } from '../../resolve/plan-context.ts'

/** RFC 9113 §8.3.1: over HTTP/2 clients send the host in another field. */
export function hostHeaderProblem(name: string): PatternProblem | undefined {
  if (name.toLowerCase() !== 'host') return undefined
  return { problem: 'matches no request over HTTP/2, which has no Host', hint: 'use `host` of the route' }
}

/** CONNECT is refused before routing, and files are only read. */
export function methodsProblem({ methods, files, file }: RouteConfig): PatternProblem | undefined {
  if (!methods) return undefined
  if (methods.includes('CONNECT'))
    return { problem: 'of methods has CONNECT, which is refused before any route', hint: 'remove it' }
  if ((files === undefined && file === undefined) || methods.some((method) => ['GET', 'HEAD'].includes(method)))
    return undefined
  return {
    problem: 'of methods has neither GET nor HEAD, and a file answers no other',
    hint: 'add `GET`, or answer in another way',
  }
}

/** A prefix that no path of the route begins with is never removed. */
export function prefixProblem({ path, stripPrefix }: RouteConfig): PatternProblem | undefined {
  if (stripPrefix === undefined || !path) return undefined
  const prefix = pathPatternKey(stripPrefix)
  const begins = path.map(pathPatternKey).some((key) => {
    if (key.startsWith('*') || key === prefix || key.startsWith(`${prefix}/`)) return true
    return key.endsWith('/*') && `${prefix}/`.startsWith(key.slice(0, -1))
  })
  return begins ? undefined : { problem: 'is not a prefix of any path of this route', hint: 'correct it, or remove it' }
}

/**
 * `except` takes files. A folder, a pattern or an escaped name would look as if it hid something, but hides nothing.
 */
export function exceptionProblem(
  context: PlanContext,
  root: string,
  name: string,
): (PatternProblem & { readonly harmless?: true }) | undefined {
  const kind = context.facts.kindOf(join(absolute(context, root), name))
  if (kind === 'directory' || name.endsWith('/') || normalize(name) === '.')
    return {
      problem: 'is a folder, and `except` names files: nothing in it would be hidden',
      hint: 'add a route for its path before this one: `{ path: /FOLDER/*, respond: { status: 404 } }`',
    }
  if (kind === 'absent' && /[*?]/.test(name))
    return { problem: 'is a pattern, and `except` names files: nothing would be hidden', hint: 'name each file' }
  if (kind === 'absent' && /%[0-9a-f]{2}/i.test(name))
    return { problem: 'has an escape, but names are written as on disk', hint: 'write the character itself' }
  const segments = normalize(name).split('/')
  if (segments.some((one, index) => one.startsWith('.') && one !== '..' && !(index === 0 && one === '.well-known')))
    return { problem: 'has no effect: names that begin with a dot are never served', hint: 'remove it', harmless: true }
  return undefined
}
