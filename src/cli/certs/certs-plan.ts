import type { Plan } from '../../plan/model/plan.ts'
import { readPlan } from '../../plan/read-plan.ts'
import { reportOn } from '../config-file.ts'
import type { Terminal } from '../verb.ts'

/** The plan of a file; if the file has errors prints them and returns undefined. */
export function planOrReport(
  file: string,
  environment: Readonly<Record<string, string>>,
  terminal: Terminal,
): Plan | undefined {
  const reading = readPlan(file, environment)
  if (!reading.plan) reportOn(reading, terminal, ['error'])
  return reading.plan
}
