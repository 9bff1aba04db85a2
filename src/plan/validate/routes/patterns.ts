/**
 * What can never match has no effect, and neither do the guards and exceptions next to it. Every such text is checked
 * here against the form that requests have.
 */
import type { Path } from '../../../config/yaml/located.ts'
import { validateHostPattern } from '../../patterns/host-pattern.ts'
import { parameterProblem, validatePathPattern } from '../../patterns/path-pattern.ts'
import type { PatternProblem } from '../../patterns/pattern-problem.ts'
import { validateValuePattern } from '../../patterns/value-pattern.ts'
import type { ActiveRoute } from '../../resolve/gateway/active-routes.ts'
import { type Check, isLiteral, type PlanContext, quotedValue, valuePosition } from '../../resolve/plan-context.ts'
import { exceptionProblem, hostHeaderProblem, methodsProblem, prefixProblem } from './matching.ts'

interface PatternCheck {
  readonly path: Path
  readonly invalid: PatternProblem | undefined
  /** It may still match something. */
  readonly severity?: 'warning'
}

export const patterns: Check = (context, report) => {
  for (const { path, invalid, severity } of [
    ...skips(context),
    ...context.routes.flatMap((route) => inRoute(context, route)),
  ]) {
    if (!invalid) continue
    const hint =
      invalid.instead !== undefined && isLiteral(context, path) ? `write \`${invalid.instead}\`` : invalid.hint
    const message = `${quotedValue(context, path)} ${invalid.problem}`
    report({ code: 'wrong-value', at: valuePosition(context, path), message, hint, ...(severity && { severity }) })
  }
}

function skips({ config }: PlanContext): readonly PatternCheck[] {
  const { accessLog } = config.gateway
  const skipped = typeof accessLog === 'boolean' ? [] : (accessLog.skip ?? [])
  return skipped.map((pattern, index) => ({
    invalid: validatePathPattern(pattern),
    path: ['gateway', 'accessLog', 'skip', index],
  }))
}

function inRoute(context: PlanContext, { route, path }: ActiveRoute): readonly PatternCheck[] {
  const { files } = route
  return [
    ...(route.path ?? []).flatMap((one, index): PatternCheck[] => {
      const at = [...path, 'path', index]
      const invalid = validatePathPattern(one)
      return invalid ? [{ invalid, path: at }] : [{ invalid: parameterProblem(one), path: at, severity: 'warning' }]
    }),
    ...(route.host ?? []).map((one, index) => ({ invalid: validateHostPattern(one), path: [...path, 'host', index] })),
    ...Object.entries(route.headers ?? {}).flatMap(([name, value]): PatternCheck[] => {
      const at = [...path, 'headers', name]
      return [
        { invalid: validateValuePattern(value), path: at },
        { invalid: hostHeaderProblem(name), path: at, severity: 'warning' },
      ]
    }),
    { invalid: methodsProblem(route), path: [...path, 'methods'] },
    { invalid: prefixProblem(route), path: [...path, 'stripPrefix'], severity: 'warning' },
    ...(files?.except ?? []).map((name, index): PatternCheck => {
      const invalid = exceptionProblem(context, files?.root ?? '', name)
      return { invalid, path: [...path, 'files', 'except', index], ...(invalid?.harmless && { severity: 'warning' }) }
    }),
  ]
}
