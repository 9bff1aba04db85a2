/**
 * Calls hooks on events. Nothing waits for a hook, except the end of a shutdown, for a short time. A hook's own failure
 * is not an event, so that no hook can trigger itself.
 */

import type { HookPlan } from '../../plan/model/hooks.ts'
import type { Log } from '../../shared/log.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep } from '../../shared/time/timer.ts'
import type { SupervisorEvent } from '../events/events.ts'
import { type HookOutput, runHookCommand } from './command.ts'
import { hookEventsOf } from './hook-events.ts'
import { postEvent } from './post.ts'

/** Parallel calls of all hooks together; each hook is called one at a time, so that it gets events in order. */
const parallelCalls = 4
const mostWaiting = 200

interface Hook {
  readonly plan: HookPlan
  /** For the log: of a URL only its origin, since the rest may be secret. */
  readonly name: string
  calling: boolean
  /** Its last call failed, and that was logged. */
  failing: boolean
}

interface Call {
  readonly hook: Hook
  readonly event: SupervisorEvent
}

export interface HooksOptions {
  readonly output: HookOutput
  readonly log: Log
}

export class Hooks {
  readonly #output: HookOutput
  readonly #log: Log
  #hooks: readonly Hook[] = []
  readonly #waiting: Call[] = []
  readonly #calls = new Set<Promise<void>>()
  readonly #ending = new AbortController()
  #dropped = 0

  constructor({ output, log }: HooksOptions) {
    this.#output = output
    this.#log = log
  }

  /** From now on these hooks are called. Calls that wait for earlier ones are still made. */
  apply(plans: readonly HookPlan[]): void {
    this.#hooks = plans.map((plan) => ({ plan, name: nameOf(plan), calling: false, failing: false }))
  }

  handle(event: SupervisorEvent): void {
    const hookEvents = hookEventsOf(event)
    for (const hook of this.#hooks) {
      const { on, processes } = hook.plan
      if (processes && !processes.includes(event.process)) continue
      if (hookEvents.some((event) => on.includes(event))) this.#enqueue({ hook, event })
    }
    this.#next()
  }

  /** Accepts no more events, waits at most `time` for calls under way and waiting, and drops the rest. */
  async close(time: Milliseconds): Promise<void> {
    this.#hooks = []
    const enough = new AbortController()
    const timeOver = sleep(time, undefined, { signal: enough.signal }).catch(() => {})
    await Promise.race([this.#idle(), timeOver])
    enough.abort()
    const left = this.#waiting.splice(0).length + this.#calls.size
    if (left > 0) this.#log.warn(`gave up ${left === 1 ? '1 hook call' : `${left} hook calls`} not done in time`)
    this.#ending.abort()
    await this.#idle()
  }

  async #idle(): Promise<void> {
    while (this.#calls.size > 0) await Promise.all(this.#calls)
  }

  #enqueue(call: Call): void {
    if (this.#waiting.length < mostWaiting) {
      this.#waiting.push(call)
      return
    }
    if (this.#dropped === 0) this.#log.warn('hooks cannot keep up with events; dropping some calls')
    this.#dropped += 1
  }

  #next(): void {
    while (this.#calls.size < parallelCalls) {
      const index = this.#waiting.findIndex(({ hook }) => !hook.calling)
      const [call] = index === -1 ? [] : this.#waiting.splice(index, 1)
      if (!call) break
      const done = this.#call(call).finally(() => {
        this.#calls.delete(done)
        this.#next()
      })
      this.#calls.add(done)
    }
    if (this.#dropped > 0 && this.#waiting.length === 0) {
      this.#log.warn(`hooks have caught up; ${this.#dropped} calls were dropped`)
      this.#dropped = 0
    }
  }

  async #call({ hook, event }: Call): Promise<void> {
    const { call, timeout } = hook.plan
    const how = { output: this.#output, signal: this.#ending.signal, timeout }
    hook.calling = true
    const failure = call.kind === 'run' ? await runHookCommand(call, event, how) : await postEvent(call.url, event, how)
    hook.calling = false
    if (failure === undefined && hook.failing) this.#log.info(`hook ${hook.name} works again`, { event: event.id })
    if (failure !== undefined && !hook.failing) {
      const message = `hook ${hook.name}: ${failure}; further failures are not logged until it works again`
      this.#log.warn(message, { event: event.id, about: event.process })
    }
    hook.failing = failure !== undefined
  }
}

function nameOf({ call, position }: HookPlan): string {
  const what = call.kind === 'run' ? (call.written ?? call.command[0]) : new URL(call.url).origin
  return `${what} (line ${position.line})`
}
