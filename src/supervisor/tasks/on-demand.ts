/** Starts on request: runs a task, or gives a service that is down another chance. */
import { nearest } from '../../config/hints/suggest.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { EventFeed } from '../events/event-feed.ts'
import type { SupervisedProcess } from '../process/process.ts'

/** The answer to a request to start a process now. */
export type RunAnswer =
  | { readonly started: true; readonly ended: Promise<RunEnd> }
  | { readonly started: false; readonly refusal: Refusal; readonly message: string }

export type Refusal = 'unknown-process' | 'busy' | 'not-met' | 'stopping'

/** How a run of a task ended, or the start of a service, retries included. */
export interface RunEnd {
  /** `ready`: a service that runs. `completed`: a task that succeeded. `stopped`: it was stopped before that. */
  readonly outcome: 'ready' | 'completed' | 'failed' | 'stopped'
  /** The exit code to pass on for the last attempt: 0 for success. Absent if it was stopped. */
  readonly exitCode?: number
  /** From the request to the end. */
  readonly duration: Milliseconds
  /** Why it failed. */
  readonly reason?: string
}

export interface OnDemandOptions {
  /** Names of the dependencies whose condition is not met. */
  unmet(process: SupervisedProcess): readonly string[]
  /** See `blockersOf` of dependencies.ts. */
  blockers(process: SupervisedProcess): readonly string[]
  readonly feed: EventFeed
}

interface Obstacle {
  readonly refusal: 'busy' | 'not-met'
  readonly words: string
}

/**
 * Earlier failures no longer count. A service that is already starting is waited for; one that is ready counts as
 * started.
 */
export function startOnDemand(process: SupervisedProcess, options: OnDemandOptions): RunAnswer {
  const { name, kind } = process.plan
  const isService = kind === 'service'
  if (isService && process.state === 'running' && process.ready) {
    return { started: true, ended: Promise.resolve({ outcome: 'ready', exitCode: 0, duration: 0 }) }
  }
  const obstacle = isService ? serviceObstacle(process, options) : taskObstacle(process, options.unmet(process))
  if (obstacle) return refused(obstacle.refusal, `${name} was not started: ${obstacle.words}`)
  // Subscribed before the start: a run may end at once.
  const ended = untilEnd(process, options)
  process.start()
  return { started: true, ended }
}

/** Why a task cannot run at this moment. */
export function taskObstacle(process: SupervisedProcess, unmet: readonly string[]): Obstacle | undefined {
  if (!process.atRest && process.state !== 'backoff') {
    return { refusal: 'busy', words: `its last run has not ended (${process.state})` }
  }
  return unmet.length > 0 ? { refusal: 'not-met', words: `it needs ${unmet.join(', ')}` } : undefined
}

/** Why a service would not become ready. */
function serviceObstacle(process: SupervisedProcess, { blockers }: OnDemandOptions): Obstacle | undefined {
  const { state } = process
  if (state === 'stopping') return { refusal: 'busy', words: 'it is stopping' }
  if (state === 'running' || state === 'parked') {
    const { reason } = process.status()
    return { refusal: 'busy', words: `it is running, but not ready${reason === undefined ? '' : `: ${reason}`}` }
  }
  const down = blockers(process)
  if (down.length === 0) return undefined
  return { refusal: 'not-met', words: `it needs ${down.join(', ')}, which failed or has ended; start that first` }
}

/** Without a probe a service is ready as soon as it is spawned; most crashes at boot come within this time. */
const bootTime: Milliseconds = 1_000

/** Resolves when a task has ended, and when a service is ready or will not be by itself. */
function untilEnd(process: SupervisedProcess, { feed, blockers }: OnDemandOptions): Promise<RunEnd> {
  const started = performance.now()
  const { name, kind, startup, ready } = process.plan
  const isUnproven = kind === 'service' && !startup && !ready
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const unsubscribe = feed.subscribe((event) => {
      if (event.type !== 'transition' || (timer && event.process !== name)) return
      clearTimeout(timer)
      timer = undefined
      const end = endOf(process, blockers)
      if (!end) return
      const duration = Math.round(performance.now() - started)
      const finish = () => {
        unsubscribe()
        resolve({ ...end, duration })
      }
      if (end.outcome === 'ready' && isUnproven) timer = setTimeout(finish, bootTime)
      else finish()
    })
  })
}

/** Undefined while neither is decided. */
function endOf(
  process: SupervisedProcess,
  blockers: OnDemandOptions['blockers'],
): Omit<RunEnd, 'duration'> | undefined {
  const { plan, state, ready, finalFailure: failure } = process
  if (plan.kind === 'service' && state === 'running' && ready) return { outcome: 'ready', exitCode: 0 }
  if (state === 'waiting') {
    const down = blockers(process)
    const reason = `waits for ${down.join(', ')}, which failed or has ended`
    return down.length > 0 ? { outcome: 'failed', exitCode: 1, reason } : undefined
  }
  if (!process.atRest) return undefined
  if (failure) return { outcome: 'failed', exitCode: failure.exitCode, reason: failure.reason }
  return state === 'stopped' ? { outcome: 'stopped' } : { outcome: 'completed', exitCode: 0 }
}

export function refused(refusal: Refusal, message: string): RunAnswer {
  return { started: false, refusal, message }
}

/** `names`: of all processes. */
export function unknownProcess(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  const hint = near ? `; did you mean ${near}?` : names.length > 0 ? `; there are ${names.join(', ')}` : ''
  return `there is no process ${name}${hint}`
}
