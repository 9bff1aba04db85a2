/** Starts that somebody asked for: a task is run, a service that is down is given another chance. */
import { nearest } from '../../config/hints/suggest.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import type { EventFeed } from '../events/event-feed.ts'
import type { SupervisedProcess } from '../process/process.ts'

/** What became of the wish to start a process now. */
export type RunAnswer =
  | { readonly started: true; readonly ended: Promise<RunEnd> }
  | { readonly started: false; readonly refusal: Refusal; readonly message: string }

export type Refusal = 'unknown-process' | 'busy' | 'not-met' | 'stopping'

/** How a run of a task ended, or the start of a service, retries included. */
export interface RunEnd {
  /** `ready`: a service that goes on. `completed`: it has ended well. `stopped`: somebody ended it before that. */
  readonly outcome: 'ready' | 'completed' | 'failed' | 'stopped'
  /** With which the last attempt is passed on: 0 if all is well. Absent if it was stopped. */
  readonly exitCode?: number
  /** From the wish to the end. */
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

/** What failed before is forgotten. A service is waited for if it is on its way already, and is no obstacle if it is ready. */
export function startOnDemand(process: SupervisedProcess, options: OnDemandOptions): RunAnswer {
  const { name, kind } = process.plan
  const isService = kind === 'service'
  if (isService && process.state === 'running' && process.ready) {
    return { started: true, ended: Promise.resolve({ outcome: 'ready', exitCode: 0, duration: 0 }) }
  }
  const obstacle = isService ? whyInVain(process, options) : whyNotNow(process, options.unmet(process))
  if (obstacle) return refused(obstacle.refusal, `${name} was not started: ${obstacle.words}`)
  // Listened to before the start: a run may be over at once.
  const ended = endOf(process, options)
  process.start()
  return { started: true, ended }
}

/** Why a task cannot run at this moment. */
export function whyNotNow(process: SupervisedProcess, unmet: readonly string[]): Obstacle | undefined {
  if (!process.atRest && process.state !== 'backoff') {
    return { refusal: 'busy', words: `its last run has not ended (${process.state})` }
  }
  return unmet.length > 0 ? { refusal: 'not-met', words: `it needs ${unmet.join(', ')}` } : undefined
}

/** Why to wait for a service would be in vain. */
function whyInVain(process: SupervisedProcess, { blockers }: OnDemandOptions): Obstacle | undefined {
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

/** Without a probe a service is ready as soon as it is spawned; what crashes at boot has mostly done so after this. */
const untilBelieved: Milliseconds = 1_000

/** Resolves when a task has ended, and when a service is ready or will not be by itself. */
function endOf(process: SupervisedProcess, { feed, blockers }: OnDemandOptions): Promise<RunEnd> {
  const started = performance.now()
  const { name, kind, startup, ready } = process.plan
  const isUnproven = kind === 'service' && !startup && !ready
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const leave = feed.subscribe((event) => {
      if (event.type !== 'transition' || (timer && event.process !== name)) return
      clearTimeout(timer)
      timer = undefined
      const end = endSoFar(process, blockers)
      if (!end) return
      const duration = Math.round(performance.now() - started)
      const tell = () => {
        leave()
        resolve({ ...end, duration })
      }
      if (end.outcome === 'ready' && isUnproven) timer = setTimeout(tell, untilBelieved)
      else tell()
    })
  })
}

function endSoFar(
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
