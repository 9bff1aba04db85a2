/**
 * Our reading of a Caddyfile against Caddy's own: `caddy adapt` knows the grammar and the order of directives of the version that
 * is installed, and nothing of lines; we know the lines. Where both make the same routes of a file, we have understood it.
 */
import { interpolate } from '../../config/environment/interpolate.ts'
import { differingKeys, isSame } from '../merge/same.ts'
import { type Finding, type Fragment, isEntries, type Reading, type Value } from '../reading.ts'
import { readCaddyJson } from './read-caddyfile.ts'

type Environment = Readonly<Record<string, string>>

/** `adapted`: what `caddy adapt` printed for this file, with these variables. Empty: both are the same. */
export function judge(file: string, ours: Reading, adapted: string, environment: Environment): readonly Finding[] {
  const theirs = readCaddyJson({ file, text: adapted })
  const written = comparable(ours.config, environment)
  const understood = comparable(theirs.config, environment)
  const differing = written.findIndex((route, index) => !isSame(route, understood[index]))
  if (differing === -1 && written.length === understood.length) return []
  const at = differing === -1 ? written.length : differing
  const message = `Caddy itself reads this file otherwise (\`caddy adapt\`), from route ${at + 1} on: ${difference(understood[at], written[at])}`
  return [{ file, line: 1, column: 1, severity: 'changed', message }]
}

/** Two routes that look alike where they are shown differ in keys that are named, without their values. */
function difference(theirs: Value | undefined, ours: Value | undefined): string {
  const [theirRoute, ourRoute] = [shown(theirs), shown(ours)]
  if (theirRoute !== ourRoute) return `it has ${theirRoute} where the new file has ${ourRoute}`
  const keys = differingKeys(theirs, ours).map((key) => `\`${key}\``)
  return `both have ${ourRoute}, but not the same ${keys.join(', ')}`
}

/** What is matched and by what it is answered; all else may hold the value of a variable, which may be a secret. */
function shown(route: Value | undefined): string {
  if (!isEntries(route)) return 'none'
  const matched = ['host', 'path', 'methods'].flatMap((key) =>
    route[key] === undefined ? [] : [[key, route[key]] as const],
  )
  const answer = ['to', 'files', 'file', 'redirect', 'respond'].find((key) => route[key] !== undefined)
  return `\`${answer}\` for ${JSON.stringify(Object.fromEntries(matched)).slice(0, 160)}`
}

/** The routes with all that makes no difference made alike: variables, names of listeners and upstreams, the order of keys. */
function comparable({ gateway, upstreams = {} }: Fragment, environment: Environment): readonly Value[] {
  const listeners = gateway?.listeners ?? {}
  const routes: readonly Value[] = Array.isArray(gateway?.routes) ? gateway.routes : []
  const addresses = (names: Value) => [names].flat().map((name) => field(listeners, String(name), 'address'))
  return routes.map((route) => {
    if (!isEntries(route)) return route
    const { listener, to, ...rest } = route
    const upstream = typeof to === 'string' ? upstreams[to] : undefined
    const whole = {
      ...rest,
      ...(listener !== undefined && { listener: addresses(listener) }),
      ...(to !== undefined && { to: upstream ?? to }),
    }
    return plain(whole, environment)
  })
}

function field(of: Value, name: string, key: string): Value {
  const found = isEntries(of) ? of[name] : undefined
  return (isEntries(found) ? found[key] : undefined) ?? name
}

function plain(value: Value, environment: Environment): Value {
  if (typeof value === 'string') {
    const read = interpolate(value, environment)
    return read.ok ? read.text : value.replaceAll(/\$\{\w+\}/g, '')
  }
  if (Array.isArray(value)) return value.map((one: Value) => plain(one, environment))
  if (!isEntries(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, plain(one, environment)]),
  )
}
