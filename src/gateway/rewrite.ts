import type { RewritePlan } from '../plan/rewrite.ts'
import { readTargetPath, type TargetPath } from './target-path.ts'

/** What a route asks for inside, given what it was asked; undefined if no sound path would come of it. */
export type Rewrite = (target: TargetPath) => TargetPath | undefined

/**
 * The result is read like a target of a client: normalized again, and refused if it climbs above the root. So the path that
 * is opened or forwarded is one that could have been asked for.
 */
export function compileRewrite({ stripPrefix, path: template }: RewritePlan): Rewrite {
  return ({ path, query }) => {
    const stripped = stripPrefix === undefined ? path : withoutPrefix(path, stripPrefix)
    const rewritten = template === undefined ? stripped : template.replaceAll('{path}', () => stripped)
    return readTargetPath(rewritten + query, 'origin-form')
  }
}

/** Whole segments only: `/old` is no prefix of `/older`. */
function withoutPrefix(path: string, prefix: string): string {
  if (!path.startsWith(prefix)) return path
  const rest = path.slice(prefix.length)
  if (rest === '') return '/'
  // Some upstreams take `//host/x` for a host and a path.
  return rest.startsWith('/') ? rest.replace(/^\/+/, '/') : path
}
