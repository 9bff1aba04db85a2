import type { RewritePlan } from '../../plan/model/routes.ts'
import { normalizeTarget, type TargetPath } from '../request/target-path.ts'

/** The target that is forwarded or opened; undefined if the result would be no valid path. */
export type Rewrite = (target: TargetPath) => TargetPath | undefined

/**
 * The result is treated like a client's target: normalized again, and refused if it climbs above the root. So the path
 * that is opened or forwarded is one that a client could have sent.
 */
export function compileRewrite({ stripPrefix, path: template }: RewritePlan): Rewrite {
  return ({ path, query }) => {
    const stripped = stripPrefix === undefined ? path : withoutPrefix(path, stripPrefix)
    const rewritten = template === undefined ? stripped : template.replaceAll('{path}', () => stripped)
    return normalizeTarget(rewritten + query)
  }
}

function withoutPrefix(path: string, prefix: string): string {
  return hasPrefix(path, prefix) ? path.slice(prefix.length) || '/' : path
}

/** Of whole segments, as `/old` is no prefix of `/older`; case-insensitive, like the matching of routes. */
export function hasPrefix(path: string, prefix: string): boolean {
  const next = path[prefix.length]
  return (next === undefined || next === '/') && path.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase()
}
