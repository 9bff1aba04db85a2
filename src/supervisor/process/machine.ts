/**
 * The state machine of a supervised process, as one complete table of states by events. It is pure: effects are named
 * here and performed by process.ts. Why there is a `waiting`, and what `stopping` means:
 * docs/adr/0002-process-states.md.
 */

export type State =
  /** Not wanted, and nothing of it runs. */
  | 'stopped'
  /** Wanted; it has no process until its dependencies are met. */
  | 'waiting'
  /** It has a process, which is not ready yet. */
  | 'starting'
  /** It has a process, and its start is over. */
  | 'running'
  /** It runs but fails its checks while a dependency is not ready: it is left running until that is ready again. */
  | 'parked'
  /** It failed; the next start is scheduled. */
  | 'backoff'
  /** Its process ended or was signalled: what is left of its group is being stopped. */
  | 'stopping'
  /** It ended and is not started again: a completed task, or the policy says no. */
  | 'exited'
  /** It cannot be started, or failed too often. */
  | 'fatal'

export type Event =
  | 'start'
  | 'stop'
  | 'dependenciesMet'
  | 'spawned'
  /** For the first time, or again. */
  | 'ready'
  /** It fails its ready check. */
  | 'unready'
  /** It fails its alive check: treated as a crash. */
  | 'unresponsive'
  /** The same while a dependency is not ready: a restart would not help. */
  | 'blocked'
  /** A task without a probe has started; it becomes ready only when it has completed. */
  | 'up'
  | 'deadlinePassed'
  /** It uses too much memory: treated as a crash. */
  | 'oversized'
  /** The process that we spawned has ended; others of its group may live on. */
  | 'leaderExited'
  | 'graceOver'
  | 'backoffOver'
  // The policy's verdict (restart.ts), given when the whole group is gone, or when it could not be spawned.
  | 'retry'
  | 'completed'
  | 'ended'
  | 'gaveUp'
  /** It is no longer wanted: no verdict is needed. */
  | 'released'

export type Effect =
  | 'awaitDependencies'
  | 'spawn'
  /** Startup, then readiness. */
  | 'beginProbes'
  /** Checks from now on whether it is still ready, and alive. */
  | 'keepProbing'
  /** Failed checks of before no longer count. */
  | 'resetFailures'
  | 'endProbes'
  | 'becomeReady'
  | 'loseReady'
  /** Sends the stop signal to the whole group, if a process is left in it. */
  | 'signalGroup'
  | 'shortenGrace'
  | 'killGroup'
  | 'scheduleRestart'
  | 'cancelRestart'

export interface Transition {
  readonly state: State
  readonly effects: readonly Effect[]
  /** Set if the event must not come in this state, which is a bug in Gatehouse. It changes nothing. */
  readonly impossible?: string
}

type Cell =
  | { readonly to: State; readonly effects: readonly Effect[] }
  /** May come, and changes nothing. */
  | { readonly ignored: string }
  | { readonly impossible: string }

const go = (to: State, ...effects: readonly Effect[]): Cell => ({ to, effects })
const ignored = (why: string): Cell => ({ ignored: why })
const impossible = (why: string): Cell => ({ impossible: why })

const noProcess = impossible('it has no process')
const notSpawned = impossible('nothing is being spawned')
const notAwaited = impossible('it does not wait for dependencies')
const notScheduled = impossible('no restart is scheduled')
const alreadySpawned = impossible('it has its process already')
const notOver = impossible('its group has not gone')
const noVerdict = impossible('nothing has ended')
const notSignalled = impossible('its group was not signalled')
const notWatched = impossible('its start is over')
const notReadyYet = impossible('it has not been ready yet')
const alreadyWanted = ignored('it is wanted already')
const hasEnded = ignored('it has ended already')
const beingEnded = ignored('it is being ended')

const withoutProcess = {
  ready: noProcess,
  unready: noProcess,
  unresponsive: noProcess,
  blocked: noProcess,
  up: noProcess,
  deadlinePassed: noProcess,
  oversized: noProcess,
  leaderExited: noProcess,
  graceOver: noProcess,
} as const

/** It is not wanted, or has ended for good: only a start leads out of this state. */
const atRest = {
  start: go('waiting', 'loseReady', 'awaitDependencies'),
  stop: hasEnded,
  dependenciesMet: notAwaited,
  spawned: notSpawned,
  ...withoutProcess,
  backoffOver: notScheduled,
  retry: noVerdict,
  completed: noVerdict,
  ended: noVerdict,
  gaveUp: noVerdict,
  // Node reports one tick later that a program cannot be spawned; a stop may come in between.
  released: hasEnded,
} satisfies Record<Event, Cell>

/** There is no verdict before its group is gone. */
const noVerdicts = { retry: notOver, completed: notOver, ended: notOver, gaveUp: notOver, released: notOver } as const

export const table = {
  stopped: atRest,
  exited: atRest,
  fatal: atRest,
  waiting: {
    start: alreadyWanted,
    stop: go('stopped'),
    dependenciesMet: go('waiting', 'spawn'),
    spawned: go('starting', 'beginProbes'),
    ...withoutProcess,
    backoffOver: notScheduled,
    // It could not be spawned.
    retry: go('backoff', 'scheduleRestart'),
    gaveUp: go('fatal'),
    ended: go('exited'),
    completed: noVerdict,
    released: go('stopped'),
  },
  starting: {
    start: alreadyWanted,
    stop: go('stopping', 'endProbes', 'signalGroup'),
    dependenciesMet: notAwaited,
    spawned: alreadySpawned,
    ready: go('running', 'becomeReady', 'keepProbing'),
    unready: notReadyYet,
    unresponsive: notReadyYet,
    blocked: notReadyYet,
    up: go('running'),
    deadlinePassed: go('stopping', 'endProbes', 'signalGroup'),
    oversized: go('stopping', 'endProbes', 'signalGroup'),
    leaderExited: go('stopping', 'endProbes', 'signalGroup'),
    graceOver: notSignalled,
    backoffOver: notScheduled,
    ...noVerdicts,
  },
  running: {
    start: alreadyWanted,
    stop: go('stopping', 'loseReady', 'endProbes', 'signalGroup'),
    dependenciesMet: notAwaited,
    spawned: alreadySpawned,
    ready: go('running', 'becomeReady'),
    unready: go('running', 'loseReady'),
    unresponsive: go('stopping', 'loseReady', 'endProbes', 'signalGroup'),
    blocked: go('parked', 'loseReady', 'awaitDependencies'),
    up: notWatched,
    deadlinePassed: notWatched,
    oversized: go('stopping', 'loseReady', 'endProbes', 'signalGroup'),
    leaderExited: go('stopping', 'loseReady', 'endProbes', 'signalGroup'),
    graceOver: notSignalled,
    backoffOver: notScheduled,
    ...noVerdicts,
  },
  parked: {
    start: alreadyWanted,
    stop: go('stopping', 'endProbes', 'signalGroup'),
    // Not ready yet: it has to pass a check first.
    dependenciesMet: go('running', 'resetFailures'),
    spawned: alreadySpawned,
    // It passed a check after all.
    ready: go('running', 'becomeReady', 'resetFailures'),
    unready: ignored('it is not ready already'),
    unresponsive: ignored('that is why it is parked'),
    blocked: ignored('that is why it is parked'),
    up: notWatched,
    deadlinePassed: notWatched,
    oversized: go('stopping', 'endProbes', 'signalGroup'),
    leaderExited: go('stopping', 'endProbes', 'signalGroup'),
    graceOver: notSignalled,
    backoffOver: notScheduled,
    ...noVerdicts,
  },
  stopping: {
    start: impossible('a process that is stopping is replaced, not started again'),
    stop: go('stopping', 'shortenGrace'),
    dependenciesMet: notAwaited,
    spawned: alreadySpawned,
    // A probe's answer and the exit may come in the same turn of the event loop.
    ready: beingEnded,
    unready: beingEnded,
    unresponsive: beingEnded,
    blocked: beingEnded,
    up: beingEnded,
    deadlinePassed: beingEnded,
    oversized: beingEnded,
    leaderExited: beingEnded,
    graceOver: go('stopping', 'killGroup'),
    backoffOver: notScheduled,
    retry: go('backoff', 'scheduleRestart'),
    completed: go('exited', 'becomeReady'),
    ended: go('exited'),
    gaveUp: go('fatal'),
    released: go('stopped'),
  },
  backoff: {
    // On request: an operator who has fixed the cause does not want to wait for the pause to end.
    start: go('waiting', 'cancelRestart', 'awaitDependencies'),
    stop: go('stopped', 'cancelRestart'),
    dependenciesMet: notAwaited,
    spawned: notSpawned,
    ...withoutProcess,
    // Not straight to a spawn: while a dependency is down it would only crash again.
    backoffOver: go('waiting', 'awaitDependencies'),
    retry: noVerdict,
    completed: noVerdict,
    ended: noVerdict,
    gaveUp: noVerdict,
    released: noVerdict,
  },
} satisfies Record<State, Record<Event, Cell>>

export function transition(state: State, event: Event): Transition {
  const cell: Cell = table[state][event]
  if ('to' in cell) return { state: cell.to, effects: cell.effects }
  return { state, effects: [], ...('impossible' in cell && { impossible: cell.impossible }) }
}
