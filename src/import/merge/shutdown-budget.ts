/**
 * A proxy's grace period is for requests, a supervisor's for programs. Here both come one after the other, within one
 * `shutdown.budget`: the proxy's alone would kill a database that still writes.
 */
import { parseDuration, secondsWritten } from '../../shared/time/duration.ts'
import type { ReadFile } from './merge.ts'

/** Our default, in seconds. */
const usual = 30

/** Replaces each budget by the sum, if one file has programs and another a budget without them. */
export function withOneBudget(files: readonly ReadFile[]): readonly ReadFile[] {
  const programs = files.filter(hasPrograms)
  const requests = secondsOf(files.filter((file) => !hasPrograms(file)))
  if (programs.length === 0 || requests === undefined) return files
  const budget = secondsWritten(requests + (secondsOf(programs) ?? usual))
  return files.map((file) => {
    const { config } = file.reading
    if (config.shutdown?.budget === undefined) return file
    return { ...file, reading: { ...file.reading, config: { ...config, shutdown: { ...config.shutdown, budget } } } }
  })
}

function hasPrograms({ reading }: ReadFile): boolean {
  return Object.keys(reading.config.processes ?? {}).length > 0
}

/** The longest budget of these files, if any has one. */
function secondsOf(files: readonly ReadFile[]): number | undefined {
  const said = files.flatMap(({ reading }) => {
    const budget = reading.config.shutdown?.budget
    const time = typeof budget === 'string' ? parseDuration(budget) : undefined
    return time === undefined ? [] : [Math.ceil(time / 1_000)]
  })
  return said.length === 0 ? undefined : Math.max(...said)
}
