import type { ErrorRatePlan, PassiveHealthPlan } from '../../plan/model/upstreams.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** A window is counted in so many parts, the oldest of which is forgotten at a time. */
const slots = 10

/**
 * What the requests of this thread say of one target (passive health, outlier ejection). Active checks notice a target that is gone
 * before a request does; this notices one that is gone between two checks, or has none.
 *
 * Connection faults count, because only the target can cause them. What a client can cause does not: a 5xx of one endpoint, an
 * answer that takes too long, a request that is broken off or too large would let anyone take every target away from everyone. Whoever
 * wants 5xx to count says which share of them is too much.
 */
export class PassiveHealth {
  #faults = 0
  #firstFault: Milliseconds = 0
  #ejectedUntil: Milliseconds = 0
  #answers: AnswerCount | undefined

  /** No connection could be made, or a new one broke before it answered. True: this ejects the target. */
  connectionFailed({ failures, within, ejectFor }: PassiveHealthPlan): boolean {
    const now = performance.now()
    if (this.#faults === 0 || now - this.#firstFault > within) {
      this.#faults = 0
      this.#firstFault = now
    }
    this.#faults += 1
    if (this.#faults < failures || now < this.#ejectedUntil) return false
    this.#ejectedUntil = now + ejectFor
    // When the time is over the next request tries it, and one more fault ejects it again.
    this.#faults = failures - 1
    this.#firstFault = this.#ejectedUntil
    return true
  }

  /** It answered; a timeout counts as 504. True: this ejects the target, because too many answers were 5xx. */
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

  /** It is known to be well now, whatever was before. */
  clear(): void {
    this.#faults = 0
    this.#ejectedUntil = 0
    this.#answers = undefined
  }

  /** Whether it should be left alone for now. */
  get ejected(): boolean {
    return this.#ejectedUntil !== 0 && performance.now() < this.#ejectedUntil
  }
}

/** Answers and errors of a sliding window. */
class AnswerCount {
  readonly #answers = new Uint32Array(slots)
  readonly #errors = new Uint32Array(slots)
  #latest = -1

  add(now: Milliseconds, within: Milliseconds, error: boolean): void {
    const slot = Math.floor((now * slots) / within)
    if (this.#latest === -1) this.#latest = slot
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
