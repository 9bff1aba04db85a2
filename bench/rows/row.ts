/** A row of the comparison: one way to load or use a server, measured for each server that can do it. */
import type { CpuSets } from '../measure/cpus.ts'
import type { RunningServer } from '../measure/server.ts'
import type { Feature, Peer, Site } from '../peers/site.ts'
import type { SiteOptions, Surroundings } from '../peers/surroundings.ts'

/** What is measured, in these units; `request` is whatever the row counts: a message, an event, a handshake. */
export type Figure =
  /** CPU microseconds of the server a request. */
  | 'cpu'
  /** Requests a second. */
  | 'rate'
  /** CPUs that the server used: near the number of its threads if it was the bottleneck. */
  | 'busy'
  /** Milliseconds. */
  | 'p50'
  | 'p99'
  /** Peak resident megabytes. */
  | 'peak'
  /** Resident megabytes. */
  | 'memory'
  /** Kilobytes for each connection. */
  | 'each'
  /** Milliseconds that something takes once. */
  | 'time'
  /** CPU milliseconds a second while nothing happens. */
  | 'idle'

export type Sample = Readonly<Partial<Record<Figure, number>>>

/** One server, to be measured once. */
export interface Run {
  readonly peer: Peer
  readonly program: string
  readonly site: Site
  readonly surroundings: Surroundings
  readonly cpus: CpuSets
  /** How long to measure. */
  readonly seconds: number
  /** Starts the server; it is stopped after the measurement. */
  start(): Promise<RunningServer>
  /** Requests a second that Gatehouse can proxy on this machine, in a closed loop. */
  capacity(): Promise<number>
}

export interface Row {
  readonly name: string
  readonly needs: readonly Feature[]
  readonly site?: SiteOptions
  /** Rejects if an answer is wrong: the figures of a row that fails say nothing. */
  measure(run: Run): Promise<Sample>
}
