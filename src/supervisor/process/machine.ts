/**
 * What a supervised process does next, as one total table of states by events. It is pure: effects are named here and
 * performed by process.ts. Why there is a `waiting`, and what `stopping` means: docs/adr/0002-process-states.md.
 */

import type { Effect, Event, State } from './states.ts'

export type { Effect, Event, State } from './states.ts'

export interface Transition {
  readonly state: State
  readonly effects: readonly Effect[]
  /** Set if the event cannot come in this state: a fault of ours. It changes nothing. */
  readonly impossible?: string
}

type Cell =
  | { readonly to: State; readonly effects: readonly Effect[] }
  /** May come, and rightly changes nothing. */
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
const noVerdict = impossible('nothing has ended that could be judged')
const notLaddered = impossible('its group was not signalled')
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

/** A process that nobody wants, or that has ended for good: only a new start gets it out. */
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
  // Node says a tick later that a program cannot be spawned; a stop may come in between.
  released: hasEnded,
} satisfies Record<Event, Cell>

/** Until its group has gone there is no verdict. */
const unjudged = { retry: notOver, completed: notOver, ended: notOver, gaveUp: notOver, released: notOver } as const

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
    graceOver: notLaddered,
    backoffOver: notScheduled,
    ...unjudged,
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
    graceOver: notLaddered,
    backoffOver: notScheduled,
    ...unjudged,
  },
  parked: {
    start: alreadyWanted,
    stop: go('stopping', 'endProbes', 'signalGroup'),
    // Not ready yet: first it must answer.
    dependenciesMet: go('running', 'countAnew'),
    spawned: alreadySpawned,
    // It answers after all.
    ready: go('running', 'becomeReady', 'countAnew'),
    unready: ignored('it is not ready already'),
    unresponsive: ignored('that is why it is parked'),
    blocked: ignored('that is why it is parked'),
    up: notWatched,
    deadlinePassed: notWatched,
    oversized: go('stopping', 'endProbes', 'signalGroup'),
    leaderExited: go('stopping', 'endProbes', 'signalGroup'),
    graceOver: notLaddered,
    backoffOver: notScheduled,
    ...unjudged,
  },
  stopping: {
    start: impossible('what was told to stop is replaced, not started again'),
    stop: go('stopping', 'shortenGrace'),
    dependenciesMet: notAwaited,
    spawned: alreadySpawned,
    // The probe's answer and the end may come in the same turn of the event loop.
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
    // Somebody asked for it: whoever has mended the cause does not want to sit the pause out.
    start: go('waiting', 'cancelRestart', 'awaitDependencies'),
    stop: go('stopped', 'cancelRestart'),
    dependenciesMet: notAwaited,
    spawned: notSpawned,
    ...withoutProcess,
    // Not straight to a spawn: while a dependency is down, it would only crash again.
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
