/** What the supervisor needs from the rest of the house; runtime/ wires it. */
import type { Milliseconds } from '../../shared/time/duration.ts'

export type OutputStream = 'stdout' | 'stderr'

/**
 * Resolves when nothing is under way to this port of 127.0.0.1 any more, `budget` ms at the latest, with the number of
 * requests that were cut then. To be asked only when `status` has named another port for the process.
 */
export type Drain = (port: number, budget: Milliseconds) => Promise<number>

/** Takes what children write. Must not throw and must not block. */
export interface OutputSink {
  /** Each line as it came, without its end, of processes whose output goes to files. */
  line(process: string, stream: OutputStream, text: string): void
  /** For the log: a line, or several that belong together. */
  record(process: string, stream: OutputStream, text: string): void
}
