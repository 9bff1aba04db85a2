import type { RewritePlan } from '../../plan/model/routes.ts'
import { normalizeTarget, type TargetPath } from '../request/target-path.ts'

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
    return normalizeTarget(rewritten + query)
  }
}

function withoutPrefix(path: string, prefix: string): string {
  return hasPrefix(path, prefix) ? path.slice(prefix.length) || '/' : path
}

/** Whole segments only, as `/old` is no prefix of `/older`; whatever the case, as routes match. */
export function hasPrefix(path: string, prefix: string): boolean {
  const next = path[prefix.length]
  return (next === undefined || next === '/') && path.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase()
}
