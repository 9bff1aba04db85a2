/**
 * What can never match takes no effect, and neither do the guards, exemptions and exceptions that stand beside it. Every such text is
 * judged here, by the form in which requests have what it is compared with.
 */
import type { Path } from '../../../config/yaml/located.ts'
import { validateHostPattern } from '../../patterns/host-pattern.ts'
import { parameterFlaw, validatePathPattern } from '../../patterns/path-pattern.ts'
import type { PatternFlaw } from '../../patterns/pattern-flaw.ts'
import { validateValuePattern } from '../../patterns/value-pattern.ts'
import { type AskedRoute, type Check, isLiteral, type PlanContext, shown, valueAt } from '../../resolve/plan-context.ts'
import { exceptionFlaw, hostHeaderFlaw, methodsFlaw, prefixFlaw } from './matching.ts'

interface Judged {
  readonly path: Path
  readonly flaw: PatternFlaw | undefined
  /** It may match something yet. */
  readonly severity?: 'warning'
}

export const patterns: Check = (context, report) => {
  for (const { path, flaw, severity } of [
    ...skips(context),
    ...context.routes.flatMap((route) => inRoute(context, route)),
  ]) {
    if (!flaw) continue
    const hint = flaw.instead !== undefined && isLiteral(context, path) ? `write \`${flaw.instead}\`` : flaw.hint
    const message = `${shown(context, path)} ${flaw.problem}`
    report({ code: 'wrong-value', at: valueAt(context, path), message, hint, ...(severity && { severity }) })
  }
}

function skips({ config }: PlanContext): readonly Judged[] {
  const { accessLog } = config.gateway
  const skipped = typeof accessLog === 'boolean' ? [] : (accessLog.skip ?? [])
  return skipped.map((pattern, index) => ({
    flaw: validatePathPattern(pattern),
    path: ['gateway', 'accessLog', 'skip', index],
  }))
}

function inRoute(context: PlanContext, { route, path }: AskedRoute): readonly Judged[] {
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
      const flaw = exceptionFlaw(context, files?.root ?? '', name)
      return { flaw, path: [...path, 'files', 'except', index], ...(flaw?.harmless && { severity: 'warning' }) }
    }),
  ]
}
