/**
 * A proxy said how long its requests may take to end, a supervisor how long its programs may: one behind the other here, within one
 * `shutdown.budget`. The time of the proxy alone would kill a database that still writes.
 */
import { parseDuration, secondsWritten } from '../../shared/time/duration.ts'
import type { ReadFile } from './merge.ts'

/** In seconds, as long as ours is unless something is said. */
const usual = 30

/** With the sum in the place of each budget, where one file has programs and another one a time without them. */
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

/** The longest that one of them says; undefined: none does. */
function secondsOf(files: readonly ReadFile[]): number | undefined {
  const said = files.flatMap(({ reading }) => {
    const budget = reading.config.shutdown?.budget
    const time = typeof budget === 'string' ? parseDuration(budget) : undefined
    return time === undefined ? [] : [Math.ceil(time / 1_000)]
  })
  return said.length === 0 ? undefined : Math.max(...said)
}
