/** Caddy's conditions match the path as earlier steps left it; our routes match the original path. */
import { covers, pathMatches, type Requests } from '../directives/requests.ts'
import type { Condition, State } from '../routes/steps.ts'

/** The condition for original requests, before earlier steps changed their path. */
export function originalRequests({ file, ...rest }: Condition, state: State, requests: Requests): readonly Requests[] {
  const paths = rest.paths && pathsBefore(rest.paths, state, requests)
  if (paths?.length === 0) return []
  const asked: Requests = { ...rest }
  const { paths: _, ...others } = asked
  const known: Requests = paths === undefined || paths.includes('/*') ? others : { ...others, paths }
  if (!file) return [known]
  const root = file.root ?? state.root ?? '.'
  return file.paths.map((path) => ({
    ...known,
    file: { root, path: path.replace('{path}', state.rewrite ?? '{path}') },
  }))
}

function pathsBefore(
  patterns: readonly string[],
  { stripPrefix, rewrite }: State,
  requests: Requests,
): readonly string[] {
  const unwritten = rewrite === undefined ? patterns : patterns.flatMap((pattern) => unrewritten(pattern, rewrite))
  if (stripPrefix === undefined) return unwritten
  const inside = covers(
    { paths: [stripPrefix, `${stripPrefix}/*`] },
    { ...(requests.paths && { paths: requests.paths }) },
  )
  return unwritten.flatMap((pattern) => {
    if (pattern === '/*' || pattern.startsWith('*')) return [pattern]
    return inside ? [`${stripPrefix}${pattern}`] : [`${stripPrefix}${pattern}`, pattern]
  })
}

/** Patterns of the paths that match after a rewrite to the template. */
function unrewritten(pattern: string, template: string): readonly string[] {
  if (!template.includes('{path}')) return pathMatches(pattern, template) ? ['/*'] : []
  const [front = '', end = ''] = template.split('{path}')
  if (pattern.startsWith('*')) return end === '' ? [pattern] : end.endsWith(pattern.slice(1)) ? ['/*'] : []
  if (pattern === '/*' || (pattern.endsWith('/*') && `${front}/`.startsWith(pattern.slice(0, -1)))) return ['/*']
  return end === '' && pattern.startsWith(`${front}/`) ? [pattern.slice(front.length)] : []
}
