/** Joins lines that belong together into one log record: a stack trace is read, searched and counted as a whole. */

import type { MultilinePlan } from '../../plan/model/output.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { longestLine } from './lines.ts'
import { continuationOf } from './traces.ts'

export interface RecordJoiner {
  line(text: string): void
  /** Emits what is held. */
  end(): void
}

/** A record is complete when no further line has come for this long: programs print a trace in one go. */
const patience: Milliseconds = 100
/** The longest time for which a record is held. */
const longestHold: Milliseconds = 1_000
const mostLines = 500

/**
 * For one stream of one run. Without a rule each line is a record, emitted at once. Nothing is lost: at a limit a new
 * record begins.
 */
export function joinRecords(rule: MultilinePlan | undefined, record: (text: string) => void): RecordJoiner {
  if (!rule) return { line: record, end() {} }
  const continues = continuationOf(rule)
  let held: string[] = []
  let length = 0
  let since: Milliseconds = 0
  let timer: NodeJS.Timeout | undefined

  const emit = () => {
    clearTimeout(timer)
    timer = undefined
    if (held.length === 0) return
    const text = held.join('\n')
    held = []
    length = 0
    record(text)
  }

  return {
    line(text) {
      const belongs = continues(text)
      const fits =
        held.length < mostLines && length + text.length < longestLine && performance.now() - since < longestHold
      if (!belongs || !fits) emit()
      if (held.length === 0) since = performance.now()
      held.push(text)
      length += text.length + 1
      if (timer) timer.refresh()
      else timer = setTimeout(emit, patience)
    },
    end: emit,
  }
}
