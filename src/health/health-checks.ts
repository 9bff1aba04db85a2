/**
 * Active health checks of the targets of upstreams. They run on the main thread, not on the gateway threads: each
 * target is checked once and not once per thread, all threads agree, and a thread that is replaced begins with what is
 * known.
 */

import type { HealthCheckPlan, UpstreamPlan } from '../plan/model/upstreams.ts'
import type { Log } from '../shared/log.ts'
import { NotTried } from '../shared/system/local-fault.ts'
import { type TargetState, targetKey } from '../shared/target-states.ts'
import { setTimeout } from '../shared/time/timer.ts'
import { checkTarget } from './check-target.ts'

export interface HealthChecks {
  /** Replaces the checked upstreams; a target that was checked before keeps its state. */
  apply(upstreams: readonly UpstreamPlan[]): void
  /** The state of each checked target, by `targetKey`. */
  states(): Readonly<Record<string, TargetState>>
  close(): void
}

/** `changed` is called whenever `states()` has changed. */
export function createHealthChecks(log: Log, changed: () => void): HealthChecks {
  let checks = new Map<string, Check>()
  return {
    apply(upstreams) {
      const before = checks
      checks = new Map()
      for (const upstream of upstreams) {
        const { health } = upstream
        if (!health) continue
        for (const origin of upstream.targets) {
          const key = targetKey(upstream.name, origin)
          const settings = JSON.stringify([health, upstream.tls])
          const known = before.get(key)
          const same = known?.settings === settings
          if (known && same) before.delete(key)
          checks.set(
            key,
            known && same ? known : new Check({ upstream, health, origin, settings, log, changed }, known),
          )
        }
      }
      for (const check of before.values()) check.stop()
    },
    states: () =>
      Object.fromEntries(
        [...checks].flatMap(([key, { up }]) => [[key, { ready: up, phase: up ? 'running' : 'down' }]]),
      ),
    close() {
      for (const check of checks.values()) check.stop()
      checks.clear()
    },
  }
}

interface CheckParts {
  readonly upstream: UpstreamPlan
  readonly health: HealthCheckPlan
  readonly origin: string
  /** A check survives a reload that does not change these. */
  readonly settings: string
  readonly log: Log
  readonly changed: () => void
}

/**
 * The check of one target. It counts as up until it fails: a start, or a reload, must not cause 503 for lack of
 * results.
 */
class Check {
  readonly settings: string
  up = true
  readonly #parts: CheckParts
  #inARow = 0
  #warnedNotTried = false
  #timer: NodeJS.Timeout | undefined
  readonly #stopped = new AbortController()

  constructor(parts: CheckParts, before: Check | undefined) {
    this.settings = parts.settings
    this.#parts = parts
    this.up = before?.up ?? true
    void this.#attempt()
  }

  stop(): void {
    this.#stopped.abort()
    clearTimeout(this.#timer)
  }

  async #attempt(): Promise<void> {
    const { health } = this.#parts
    const fault = await checkTarget(this.#parts, this.#stopped.signal)
    if (this.#stopped.signal.aborted) return
    if (fault instanceof NotTried) this.#warnNotTried(fault)
    else this.#judge(fault)
    this.#timer = setTimeout(() => void this.#attempt(), health.every).unref()
  }

  /** The check could not be made: that says nothing about the target. */
  #warnNotTried({ why }: NotTried): void {
    const { upstream, origin, log } = this.#parts
    if (!this.#warnedNotTried)
      log.warn(`upstream ${upstream.name}: ${origin} cannot be checked: ${why}; its state stays unchanged`)
    this.#warnedNotTried = true
  }

  #judge(fault: string | undefined): void {
    this.#warnedNotTried = false
    const { upstream, origin, health, log, changed } = this.#parts
    if ((fault === undefined) === this.up) {
      this.#inARow = 0
      return
    }
    this.#inARow += 1
    if (this.#inARow < (this.up ? health.failures : health.successes)) return
    this.#inARow = 0
    this.up = !this.up
    const target = `upstream ${upstream.name}: ${origin}`
    if (this.up) log.info(`${target} is up again`, { upstream: upstream.name, target: origin, health: 'up' })
    else log.warn(`${target} is down: ${fault}`, { upstream: upstream.name, target: origin, health: 'down' })
    changed()
  }
}
