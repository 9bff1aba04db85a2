import { suggestion } from '../../../config/hints/suggest.ts'
import { type Check, quotedValue, valuePosition } from '../../resolve/plan-context.ts'
import { alwaysInherited, matcher } from '../../resolve/process/inherited.ts'

/**
 * What `environment.only` names. Only a warning where there is none: the file may be checked in another environment.
 */
export const inheritedVariables: Check = (context, report) => {
  const names = Object.keys(context.environment)
  for (const [name, { environment }] of Object.entries(context.config.processes)) {
    for (const [index, pattern] of (environment?.only ?? []).entries()) {
      const at = ['processes', name, 'environment', 'only', index]
      if (names.some(matcher(pattern)) || alwaysInherited.includes(pattern)) continue
      report({
        severity: 'warning',
        code: 'variable-not-set',
        at: valuePosition(context, at),
        message: `${quotedValue(context, at)} matches no variable that is set here`,
        hint: pattern.includes('*')
          ? undefined
          : suggestion(
              pattern,
              names.filter((one) => near(one, pattern)),
              'variables',
            ),
      })
    }
  }
}

/** The environment may be large: only names with the same beginning are suggested. */
function near(name: string, pattern: string): boolean {
  return name.slice(0, 3).toUpperCase() === pattern.slice(0, 3).toUpperCase()
}
