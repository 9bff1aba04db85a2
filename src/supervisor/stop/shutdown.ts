import type { Milliseconds } from '../../shared/time/duration.ts'
import type { GroupLedger } from '../leftovers/ledger.ts'
import type { SupervisedProcess } from '../process/process.ts'
import { StopDeadline, shortenGraces, stopInReverse } from './stop-order.ts'

/** The one shutdown of a run. It begins with the first call of `stop`; further calls can only shorten it. */
export class Shutdown {
  readonly #ledger: GroupLedger | undefined
  readonly #deadline = new StopDeadline()
  #begun: { readonly processes: readonly SupervisedProcess[]; readonly done: Promise<void> } | undefined

  constructor(ledger: GroupLedger | undefined) {
    this.#ledger = ledger
  }

  /**
   * `processes` counts at the first call. Resolves when all have ended, and what an earlier run left. Never rejects.
   */
  stop(processes: readonly SupervisedProcess[], budget: Milliseconds): Promise<void> {
    this.#deadline.tighten(budget)
    const leftoversGone = this.#ledger?.shortenGraces(budget)
    this.#begun ??= {
      processes,
      done: Promise.all([stopInReverse(processes, this.#deadline), leftoversGone]).then(() => this.#ledger?.close()),
    }
    shortenGraces(this.#begun.processes, this.#deadline)
    return this.#begun.done
  }
}
