/**
 * The order in which Caddy runs the directives of a site, regardless of the order in which they are written
 * (caddyserver.com/docs/caddyfile/directives#directive-order; `route` keeps the written order).
 */
import type { Step } from './steps.ts'

const standard = [
  'tracing map vars fs root log_append log_skip log_name header copy_response_headers request_body redir method rewrite',
  'uri try_files rate_limit basic_auth forward_auth request_header encode push intercept templates invoke handle route abort',
  'error copy_response respond metrics reverse_proxy php_fastcgi file_server acme_server',
].flatMap((line) => line.split(' '))

const olderNames: Readonly<Record<string, string>> = {
  basicauth: 'basic_auth',
  skip_log: 'log_skip',
  handle_path: 'handle',
}

/** The name by which a directive is sorted. */
export function sortingName(directive: string): string {
  return olderNames[directive] ?? directive
}

/** The standard order with the changes of the global option `order A before B`. */
export function orderWith(changes: readonly (readonly string[])[]): readonly string[] {
  const order = [...standard]
  for (const [written = '', where = '', other = ''] of changes) {
    const name = sortingName(written)
    const without = order.filter((one) => one !== name)
    const beside = without.indexOf(sortingName(other))
    const at =
      where === 'first' ? 0 : where === 'last' || beside === -1 ? without.length : beside + (where === 'after' ? 1 : 0)
    order.splice(0, order.length, ...without.slice(0, at), name, ...without.slice(at))
  }
  return order
}

/** A step with what Caddy sorts it by, besides the name. */
export interface Sortable {
  readonly step: Step
  /** The only path of its matcher, as written. */
  readonly path?: string
  readonly matched: boolean
}

/**
 * An insertion sort like Caddy's for up to 20 directives: the comparison is no total order, so the algorithm matters.
 */
export function inOrder(written: readonly Sortable[], order: readonly string[]): Step[] {
  const rank = ({ step }: Sortable) => order.indexOf(sortingName(step.name))
  const before = (a: Sortable, b: Sortable) => (rank(a) === rank(b) ? moreSpecific(a, b) : rank(a) < rank(b))
  const sorted: Sortable[] = []
  for (const one of written) {
    let at = sorted.length
    while (at > 0 && before(one, sorted[at - 1] as Sortable)) at -= 1
    sorted.splice(at, 0, one)
  }
  return sorted.map(({ step }) => step)
}

function moreSpecific(a: Sortable, b: Sortable): boolean {
  if (a.path && b.path) {
    if (a.path.replace(/\*$/, '') === b.path.replace(/\*$/, '')) return a.path.length < b.path.length
    return a.path.length > b.path.length
  }
  return a.matched && !b.matched
}
