import { basename } from 'node:path'
import type { Config } from '../../../config/schema/config.ts'
import { rotateDefaults } from '../../../config/schema/log.ts'
import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import type { MultilinePlan, OutputPlan } from '../../model/output.ts'
import type { LogPlan } from '../../model/plan.ts'
import { absolute, type PlanContext } from '../plan-context.ts'

export function resolveLog(context: PlanContext): LogPlan {
  const { directory, rotate = rotateDefaults, ...log }: Config['log'] = context.config.log
  return { ...log, ...(directory !== undefined && { files: { directory: absolute(context, directory), ...rotate } }) }
}

export function resolveOutput({ output: { multiline, files }, command }: ProcessConfig): OutputPlan {
  const rule = multiline === undefined ? multilineOf(command) : asPlan(multiline)
  return { ...(rule && { multiline: rule }), files }
}

/**
 * Only Java's stack traces are joined by default: an exception is dozens of lines, which look unlike any other. Waiting
 * for a next line delays the last one a little, so other programs do not pay for it.
 */
function multilineOf([program = '']: readonly string[]): MultilinePlan | undefined {
  return basename(program) === 'java' ? { kind: 'java' } : undefined
}

function asPlan(multiline: NonNullable<ProcessConfig['output']['multiline']>): MultilinePlan | undefined {
  if (multiline === false) return undefined
  return typeof multiline === 'string' ? { kind: multiline } : { kind: 'first', pattern: multiline.first }
}
