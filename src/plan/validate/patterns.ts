import type { Path } from '../../config/located.ts'
import { type Asked, type Check, isLiteral, shown, valueAt } from '../asked.ts'
import { validateHostPattern } from '../host-pattern.ts'
import { type PatternFlaw, validatePathPattern } from '../path-pattern.ts'

interface Written {
  readonly pattern: string
  readonly path: Path
}

/** Path and host patterns have a form of their own. */
export const patterns: Check = (asked, report) => {
  const judge = ({ pattern, path }: Written, validate: (pattern: string) => PatternFlaw | undefined) => {
    const flaw = validate(pattern)
    if (!flaw) return
    const message = `${shown(asked, path)} ${flaw.problem}`
    const instead = flaw.instead !== undefined && isLiteral(asked, path) ? `write \`${flaw.instead}\`` : undefined
    report({ code: 'wrong-value', at: valueAt(asked, path), message, mend: instead ?? flaw.mend })
  }
  for (const written of pathPatterns(asked)) judge(written, validatePathPattern)
  for (const { route, path } of asked.routes)
    for (const [index, pattern] of (route.host ?? []).entries())
      judge({ pattern, path: [...path, 'host', index] }, validateHostPattern)
}

function pathPatterns({ config, routes }: Asked): readonly Written[] {
  const { accessLog } = config.gateway
  const skipped = typeof accessLog === 'boolean' ? [] : (accessLog.skip ?? [])
  return [
    ...skipped.map((pattern, index) => ({ pattern, path: ['gateway', 'accessLog', 'skip', index] })),
    ...routes.flatMap(({ route, path }) =>
      (route.path ?? []).map((pattern, index) => ({ pattern, path: [...path, 'path', index] })),
    ),
  ]
}
