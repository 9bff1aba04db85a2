import type { Log } from '../../shared/log.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { climbDown, ignoredWords, killWait, type Ladder } from '../stop/stop.ts'
import type { GroupRecord } from './record.ts'

export interface EndingLeftovers {
  readonly gone: Promise<void>
  shorten(grace: Milliseconds): void
}

/**
 * Ends groups whose Gatehouse was killed, each by its stop signal, its grace and SIGKILL, all at once: in what order they were to
 * be stopped is not known any more, since the plan may be another.
 */
export function endLeftovers(records: readonly GroupRecord[], log: Log): EndingLeftovers {
  const ladders = records.map((record) => ({ record, ladder: endLeftover(record, log) }))
  const gone = Promise.all(
    ladders.map(async ({ record: { process, pid }, ladder }) => {
      if (await ladder.gone) log.info('left over from a killed run; it has ended', { process, pid })
      else log.warn(`still runs ${formatDuration(killWait)} after SIGKILL; it is stuck in the kernel`, { process, pid })
    }),
  )
  return {
    gone: gone.then(() => {}),
    shorten(grace) {
      for (const { ladder } of ladders) ladder.shorten(grace)
    },
  }
}

function endLeftover({ process, pid, signal, grace }: GroupRecord, log: Log): Ladder {
  log.warn(`left over from a killed run; sending ${signal} to its process group`, { process, pid })
  const ladder = climbDown(
    // It is not our child: nobody tells us of its end, so its group is watched from the start.
    { pid, exited: Promise.resolve({ code: null, signal: null }) },
    {
      signal: signal as NodeJS.Signals,
      grace,
      graceOver() {
        log.warn(ignoredWords(signal, ladder.signalledFor()), { process, pid })
        ladder.kill()
      },
    },
  )
  return ladder
}
