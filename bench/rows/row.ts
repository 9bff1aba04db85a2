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

/** One server, to be measured. */
export interface Run {
  readonly peer: Peer
  readonly program: string
  readonly site: Site
  readonly surroundings: Surroundings
  readonly cpus: CpuSets
  /** How long to measure. */
  readonly seconds: number
  /** Starts the server; it is stopped after the last measurement. */
  start(): Promise<RunningServer>
  /** Requests a second that Gatehouse can proxy on this machine, in a closed loop. */
  capacity(): Promise<number>
}

export type Row = RowOfAll & (FreshRow | WarmRow)

interface RowOfAll {
  readonly name: string
  readonly needs: readonly Feature[]
  readonly site?: SiteOptions
}

/** Starts a server anew in each round. */
export interface FreshRow {
  /** Rejects if an answer is wrong: the figures of a row that fails say nothing. */
  measure(run: Run): Promise<Sample>
}

/** Starts each server once; they stay, idle while another one is loaded, and are measured in turn in each round. */
export interface WarmRow {
  /** Starts a server and loads it for `warmup`. Returns what measures it in a round; both reject as `measure` does. */
  warm(run: Run): Promise<Measure>
}

export type Measure = () => Promise<Sample>

/**
 * Seconds of load before a server is measured for the first time. JavaScript is compiled while it runs, on threads of
 * its own whose CPU time would count: after so long, what remains of it is little. Every server gets the same.
 */
export const warmup = 5
