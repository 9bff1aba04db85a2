/**
 * Compares our reading of a Caddyfile with Caddy's own. `caddy adapt` knows the grammar and directive order of the
 * installed version, but no line numbers; we know the lines. If both lead to the same routes, our reading is right.
 */
import { interpolate } from '../../config/environment/interpolate.ts'
import { differingKeys, isSame } from '../merge/same.ts'
import { type Finding, type Fragment, isEntries, type Reading, type Value } from '../reading.ts'
import { readCaddyJson } from './read-caddyfile.ts'

type Environment = Readonly<Record<string, string>>

/**
 * `adapted` is the output of `caddy adapt` for this file with these variables. Returns nothing if both are the same.
 */
export function compareWithCaddy(
  file: string,
  ours: Reading,
  adapted: string,
  environment: Environment,
): readonly Finding[] {
  const theirs = readCaddyJson({ file, text: adapted })
  const written = comparable(ours.config, environment)
  const understood = comparable(theirs.config, environment)
  const differing = written.findIndex((route, index) => !isSame(route, understood[index]))
  if (differing === -1 && written.length === understood.length) return []
  const at = differing === -1 ? written.length : differing
  const message = `Caddy reads this file differently (\`caddy adapt\`), from route ${at + 1} on: ${difference(understood[at], written[at])}`
  return [{ file, line: 1, column: 1, severity: 'changed', message }]
}

/** If two routes look the same as shown, names the keys in which they differ, without their values. */
function difference(theirs: Value | undefined, ours: Value | undefined): string {
  const [theirRoute, ourRoute] = [shown(theirs), shown(ours)]
  if (theirRoute !== ourRoute) return `it has ${theirRoute} where the new file has ${ourRoute}`
  const keys = differingKeys(theirs, ours).map((key) => `\`${key}\``)
  return `both have ${ourRoute}, but not the same ${keys.join(', ')}`
}

/** Only the match and the kind of answer: other values may come from variables, and so be secrets. */
function shown(route: Value | undefined): string {
  if (!isEntries(route)) return 'none'
  const matched = ['host', 'path', 'methods'].flatMap((key) =>
    route[key] === undefined ? [] : [[key, route[key]] as const],
  )
  const answer = ['to', 'files', 'file', 'redirect', 'respond'].find((key) => route[key] !== undefined)
  return `\`${answer}\` for ${JSON.stringify(Object.fromEntries(matched)).slice(0, 160)}`
}

/** The routes without irrelevant differences: variables, names of listeners and upstreams, the order of keys. */
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
