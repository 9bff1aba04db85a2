/** What ends a run: a signal, a failure, an error of our own. */
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
  readonly begun: boolean
  /** Calls back in the same turn of the event loop, or now if the end has begun. */
  onReached(callback: () => void): void
  end(ending: Ending): void
}

/** The first cause to end the run decides the exit code; later ones change nothing. */
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
  // Every one, not only the first: unhandled, an error during the shutdown would end Node and leave the children
  // behind.
  process.on('uncaughtException', (error) => {
    if (isLocalFault(error)) {
      // Only one attempt of something has failed. Ending the run would not give the machine more memory or files.
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
