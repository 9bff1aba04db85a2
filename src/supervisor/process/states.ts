/** The words of the machine: what a process can be, what can come to it, and what follows. */

export type State =
  /** Not wanted, and nothing of it runs. */
  | 'stopped'
  /** Wanted; it has no process until its dependencies are met. */
  | 'waiting'
  /** It has a process, which is not ready yet. */
  | 'starting'
  /** It has a process, and its start is over. */
  | 'running'
  /** It runs, but does not answer, and what it depends on is not ready: it is left alone until that is ready again. */
  | 'parked'
  /** It failed; the next start is scheduled. */
  | 'backoff'
  /** Its process ended or was told to: what is left of its group is being ended. */
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
  /** It does not answer as ready any more. */
  | 'unready'
  /** It is not alive: to be judged like a crash. */
  | 'unresponsive'
  /** The same, while something that it depends on is not ready: a restart would mend nothing. */
  | 'blocked'
  /** A task without a probe: nothing is left to wait for, but it is ready only when it has completed. */
  | 'up'
  | 'deadlinePassed'
  /** It holds too much memory: to be judged like a crash. */
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
  /** It is not wanted any more: no verdict is needed. */
  | 'released'

export type Effect =
  | 'awaitDependencies'
  | 'spawn'
  /** Startup, then readiness. */
  | 'beginProbes'
  /** From now on whether it is still ready, and alive. */
  | 'keepProbing'
  /** What was held against it before does not count any more. */
  | 'countAnew'
  | 'endProbes'
  | 'becomeReady'
  | 'loseReady'
  /** The first rung of the ladder: the stop signal to the whole group, if anyone is left in it. */
  | 'signalGroup'
  | 'shortenGrace'
  | 'killGroup'
  | 'scheduleRestart'
  | 'cancelRestart'
