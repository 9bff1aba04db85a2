/** What the supervisor needs from the rest of the house; runtime/ wires it. */
import type { Milliseconds } from '../shared/duration.ts'

export type OutputStream = 'stdout' | 'stderr'

/**
 * Resolves when nothing is under way to this port of 127.0.0.1 any more, `budget` ms at the latest, with the number of
 * requests that were cut then. To be asked only when `status` has named another port for the process.
 */
export type Drain = (port: number, budget: Milliseconds) => Promise<number>

/** Takes a child's output line by line, without the line end. Must not throw and must not block. */
export interface OutputSink {
  line(process: string, stream: OutputStream, text: string): void
}
