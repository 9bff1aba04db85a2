/** What ends a run: a signal, a failure, an error of our own. */
import { stackOf } from '../shared/errors.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import type { Log } from '../shared/log.ts'
import { isLocalFault, localFaultHint } from '../shared/system/local-fault.ts'
import type { Signals } from './signals.ts'

export interface ShutdownCause {
  readonly code: number
  readonly reason: string
}

export interface ShutdownTrigger {
  readonly reached: Promise<ShutdownCause>
  readonly begun: boolean
  /** Calls back in the same turn of the event loop, or now if the end has begun. */
  onReached(callback: () => void): void
  end(cause: ShutdownCause): void
}

/** The first cause to end the run decides the exit code; later ones change nothing. */
export function createShutdownTrigger(signals: Signals, log: Log): ShutdownTrigger {
  const { promise, resolve } = Promise.withResolvers<ShutdownCause>()
  let begun = false
  let ended = () => {}
  const end = (cause: ShutdownCause) => {
    begun = true
    resolve(cause)
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
