import type { ErrorRatePlan, PassiveHealthPlan } from '../../plan/model/upstreams.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** A window consists of this many slots, of which the oldest is dropped at a time. */
const slots = 10

/**
 * The health of one target, judged by the requests of this thread (passive health, outlier ejection). Active checks
 * notice a dead target before a request does; this notices one that dies between two checks, or has none.
 *
 * Connection failures count, because only the target can cause them. What a client can cause does not: with a 5xx of
 * one endpoint, a slow answer, or an aborted or too large request, anyone could take every target out of service. 5xx
 * count only if the plan names the share that is too much.
 */
export class PassiveHealth {
  #faults = 0
  #firstFault: Milliseconds = 0
  #ejectedUntil: Milliseconds = 0
  #answers: AnswerCount | undefined

  /** No connection could be made, or a new one broke before an answer. True: this ejects the target. */
  connectionFailed({ failures, within, ejectFor }: PassiveHealthPlan): boolean {
    const now = performance.now()
    if (this.#faults === 0 || now - this.#firstFault > within) {
      this.#faults = 0
      this.#firstFault = now
    }
    this.#faults += 1
    if (this.#faults < failures || now < this.#ejectedUntil) return false
    this.#ejectedUntil = now + ejectFor
    // After that time the next request tries it, and one more failure ejects it again.
    this.#firstFault = this.#ejectedUntil
    return true
  }

  /** The target answered; a timeout counts as 504. True: this ejects it, because too many answers were 5xx. */
  answered(status: number, { errorRate, within, ejectFor }: PassiveHealthPlan): boolean {
    if (this.#faults !== 0) {
      this.#faults = 0
      this.#ejectedUntil = 0
    }
    if (!errorRate) return false
    this.#answers ??= new AnswerCount()
    const now = performance.now()
    this.#answers.add(now, within, status >= 500)
    if (status < 500 || now < this.#ejectedUntil || !this.#answers.exceeds(errorRate)) return false
    this.#ejectedUntil = now + ejectFor
    this.#answers = undefined
    return true
  }

  /** The target is known to be healthy. */
  clear(): void {
    this.#faults = 0
    this.#ejectedUntil = 0
    this.#answers = undefined
  }

  /** Whether it should get no requests for now. */
  get ejected(): boolean {
    return this.#ejectedUntil !== 0 && performance.now() < this.#ejectedUntil
  }
}

/** Counts answers and errors in a sliding window. */
class AnswerCount {
  readonly #answers = new Uint32Array(slots)
  readonly #errors = new Uint32Array(slots)
  #latest = 0

  add(now: Milliseconds, within: Milliseconds, error: boolean): void {
    const slot = Math.floor((now * slots) / within)
    for (let past = Math.max(this.#latest, slot - slots) + 1; past <= slot; past++) {
      this.#answers[past % slots] = 0
      this.#errors[past % slots] = 0
    }
    this.#latest = slot
    const here = slot % slots
    this.#answers[here] = (this.#answers[here] as number) + 1
    if (error) this.#errors[here] = (this.#errors[here] as number) + 1
  }

  exceeds({ percent, minimum }: ErrorRatePlan): boolean {
    const answers = sum(this.#answers)
    return answers >= minimum && sum(this.#errors) * 100 >= percent * answers
  }
}

function sum(counts: Uint32Array): number {
  let all = 0
  for (const count of counts) all += count
  return all
}
