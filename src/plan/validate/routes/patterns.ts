/**
 * What can never match takes no effect, and neither do the guards, exemptions and exceptions that stand beside it. Every such text is
 * judged here, by the form in which requests have what it is compared with.
 */
import type { Path } from '../../../config/yaml/located.ts'
import { validateHostPattern } from '../../patterns/host-pattern.ts'
import { parameterFlaw, validatePathPattern } from '../../patterns/path-pattern.ts'
import type { PatternFlaw } from '../../patterns/pattern-flaw.ts'
import { validateValuePattern } from '../../patterns/value-pattern.ts'
import { type Asked, type AskedRoute, type Check, isLiteral, shown, valueAt } from '../../resolve/plan-context.ts'
import { exceptionFlaw, hostHeaderFlaw, methodsFlaw, prefixFlaw } from './matching.ts'

interface Judged {
  readonly path: Path
  readonly flaw: PatternFlaw | undefined
  /** It may match something yet. */
  readonly severity?: 'warning'
}

export const patterns: Check = (asked, report) => {
  for (const { path, flaw, severity } of [...skips(asked), ...asked.routes.flatMap((route) => inRoute(asked, route))]) {
    if (!flaw) continue
    const mend = flaw.instead !== undefined && isLiteral(asked, path) ? `write \`${flaw.instead}\`` : flaw.mend
    const message = `${shown(asked, path)} ${flaw.problem}`
    report({ code: 'wrong-value', at: valueAt(asked, path), message, mend, ...(severity && { severity }) })
  }
}

function skips({ config }: Asked): readonly Judged[] {
  const { accessLog } = config.gateway
  const skipped = typeof accessLog === 'boolean' ? [] : (accessLog.skip ?? [])
  return skipped.map((pattern, index) => ({
    flaw: validatePathPattern(pattern),
    path: ['gateway', 'accessLog', 'skip', index],
  }))
}

function inRoute(asked: Asked, { route, path }: AskedRoute): readonly Judged[] {
  const { files } = route
  return [
    ...(route.path ?? []).flatMap((one, index): Judged[] => {
      const at = [...path, 'path', index]
      const flaw = validatePathPattern(one)
      return flaw ? [{ flaw, path: at }] : [{ flaw: parameterFlaw(one), path: at, severity: 'warning' }]
    }),
    ...(route.host ?? []).map((one, index) => ({ flaw: validateHostPattern(one), path: [...path, 'host', index] })),
    ...Object.entries(route.headers ?? {}).flatMap(([name, value]): Judged[] => {
      const at = [...path, 'headers', name]
      return [
        { flaw: validateValuePattern(value), path: at },
        { flaw: hostHeaderFlaw(name), path: at, severity: 'warning' },
      ]
    }),
    { flaw: methodsFlaw(route), path: [...path, 'methods'] },
    { flaw: prefixFlaw(route), path: [...path, 'stripPrefix'], severity: 'warning' },
    ...(files?.except ?? []).map((name, index): Judged => {
      const flaw = exceptionFlaw(asked, files?.root ?? '', name)
      return { flaw, path: [...path, 'files', 'except', index], ...(flaw?.harmless && { severity: 'warning' }) }
    }),
  ]
}
