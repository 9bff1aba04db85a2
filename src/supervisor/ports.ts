/** What the supervisor needs from the rest of the house; runtime/ wires it. */

export type OutputStream = 'stdout' | 'stderr'

/** Takes a child's output line by line, without the line end. Must not throw and must not block. */
export interface OutputSink {
  line(process: string, stream: OutputStream, text: string): void
}
