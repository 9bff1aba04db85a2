import type { Log } from '../../shared/log.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { type GroupStop, ignoredWords, killWait, stopGroup } from '../stop/stop.ts'
import type { GroupRecord } from './record.ts'

export interface EndingLeftovers {
  readonly gone: Promise<void>
  shorten(grace: Milliseconds): void
}

/**
 * Stops the groups that a killed Gatehouse left, each with its stop signal, its grace period and SIGKILL. All at once:
 * their order is not known any more, since the plan may have changed.
 */
export function endLeftovers(records: readonly GroupRecord[], log: Log): EndingLeftovers {
  const stops = records.map((record) => ({ record, stop: endLeftover(record, log) }))
  const gone = Promise.all(
    stops.map(async ({ record: { process, pid }, stop }) => {
      if (await stop.gone) log.info('left over from a killed run; it has ended', { process, pid })
      else log.warn(`still runs ${formatDuration(killWait)} after SIGKILL; it is stuck in the kernel`, { process, pid })
    }),
  )
  return {
    gone: gone.then(() => {}),
    shorten(grace) {
      for (const { stop } of stops) stop.shorten(grace)
    },
  }
}

function endLeftover({ process, pid, signal, grace }: GroupRecord, log: Log): GroupStop {
  log.warn(`left over from a killed run; sending ${signal} to its process group`, { process, pid })
  const stop = stopGroup(
    // It is not our child, so we get no exit: its group is polled from the start.
    { pid, exited: Promise.resolve({ code: null, signal: null }) },
    {
      signal: signal as NodeJS.Signals,
      grace,
      graceOver() {
        log.warn(ignoredWords(signal, stop.signalledFor()), { process, pid })
        stop.kill()
      },
    },
  )
  return stop
}
