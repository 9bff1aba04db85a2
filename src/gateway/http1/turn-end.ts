/**
 * Writes at the end of a turn of the event loop, when all that had arrived has been read. A write runs the kernel's whole
 * way of a packet, up to waking its reader; between two requests, that evicts the gateway's code and data from the
 * caches of the CPU. One after the other, writes cost a third of a request less (docs/adr/0033-own-server.md). Nothing
 * waits for longer than the turn in which it was ready.
 */

export interface Writer {
  /** Called once for each `writeAtTurnEnd`. Must not throw. */
  writeNow(): void
}

let writers: Writer[] = []

/** Has `writer` write at the end of this turn; behind those that asked before. */
export function writeAtTurnEnd(writer: Writer): void {
  if (writers.length === 0) setImmediate(writeAll)
  writers.push(writer)
}

function writeAll(): void {
  const now = writers
  writers = []
  for (const writer of now) writer.writeNow()
}
