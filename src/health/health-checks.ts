/**
 * Active health checks of the targets of upstreams. They run on the main thread, not on the gateway threads: each
 * target is checked once and not once per thread, all threads agree, and a thread that is replaced begins with what is
 * known.
 */

import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { HealthCheckPlan, UpstreamPlan } from '../plan/model/upstreams.ts'
import { messageOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { readToEnd } from '../shared/net/read-to-end.ts'
import { serverNameOf } from '../shared/net/server-name.ts'
import { failedOrNotTried, NotTried } from '../shared/system/local-fault.ts'
import { type TargetState, targetKey } from '../shared/target-states.ts'
import { setTimeout, timeoutSignal } from '../shared/time/timer.ts'

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
    const fault = await ask(this.#parts, this.#stopped.signal)
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

/** Undefined: passed; else why not. Each attempt opens a new connection, since accepting one is part of the check. */
function ask({ upstream, health, origin }: CheckParts, stopped: AbortSignal): Promise<string | NotTried | undefined> {
  const { tls } = upstream
  const secure = origin.startsWith('https:')
  return new Promise((resolve) => {
    try {
      const sent = (secure ? httpsRequest : httpRequest)(
        origin + health.http,
        {
          agent: false,
          headers: { 'user-agent': 'gatehouse-health' },
          signal: AbortSignal.any([stopped, timeoutSignal(health.timeout)]),
          ...(secure && {
            servername: serverNameOf({ origin, ...(tls && { tls }) }),
            rejectUnauthorized: tls?.verify ?? true,
            // Read each time, so that a replaced file takes effect at the next attempt.
            ...(tls?.ca !== undefined && { ca: readFileSync(tls.ca) }),
          }),
        },
        (response) => {
          const { statusCode: status = 0 } = response
          readToEnd(response)
          resolve(status >= 200 && status <= 399 ? undefined : `${health.http} answered ${status}`)
        },
      )
      sent.on('error', (error) =>
        resolve(
          error.name === 'TimeoutError' || error.name === 'AbortError'
            ? `no answer within ${health.timeout} ms`
            : failedOrNotTried(error, messageOf(error)),
        ),
      )
      sent.on('close', () => resolve('it closed the connection without an answer'))
      sent.end()
    } catch (error) {
      resolve(failedOrNotTried(error, messageOf(error)))
    }
  })
}
