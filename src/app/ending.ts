/** What ends a run, and what is to happen in that very moment. */
import { stackOf } from '../shared/errors.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import type { Log } from '../shared/log.ts'
import { isLocalFault, localFaultHint } from '../shared/system/local-fault.ts'
import type { Signals } from './signals.ts'

export interface Ending {
  readonly code: number
  readonly reason: string
}

export interface FirstEnding {
  readonly reached: Promise<Ending>
  /** It has been reached. */
  readonly begun: boolean
  /** Calls back in the very turn in which it is reached, or now if it has been. */
  onReached(callback: () => void): void
  end(ending: Ending): void
}

/** The first cause to end the run decides the exit code; later ones are part of the same end. */
export function firstEnding(signals: Signals, log: Log): FirstEnding {
  const { promise, resolve } = Promise.withResolvers<Ending>()
  let begun = false
  let ended = () => {}
  const end = (ending: Ending) => {
    begun = true
    resolve(ending)
    ended()
  }
  signals.onStop((signal) => end({ code: exitCodes.ok, reason: signal }))
  // Not the first only: by another one during the end Node would leave, and the children be left.
  process.on('uncaughtException', (error) => {
    if (isLocalFault(error)) {
      // It concerns one attempt of something. What was to be ended by it would fare no better for our leaving.
      log.error(`${stackOf(error)} (${localFaultHint(error)})`, { code: 'local-fault' })
      return
    }
    log.error(`internal error: ${stackOf(error)}`, { code: 'internal' })
    end({ code: exitCodes.internal, reason: 'an internal error' })
  })
  return {
    reached: promise,
    get begun() {
      return begun
    },
    onReached(callback) {
      ended = callback
      if (begun) callback()
    },
    end,
  }
}
