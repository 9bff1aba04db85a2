/** The process's own stdout and stderr. Main thread only; other threads are given the descriptor. */
import { Writable } from 'node:stream'
import { createLineWriter, type LineWriter } from './line-writer.ts'
import { type OutputDescriptor, openOutput } from './output-descriptor.ts'

export interface StandardStream extends LineWriter {
  readonly descriptor: OutputDescriptor
  /** Replaces what is said of lines that were dropped, which is one line of text at first. */
  onMissed(say: (lines: number) => void): void
}

const taken = new Map<'stdout' | 'stderr', StandardStream>()

/**
 * From the first call on nothing that is written to it holds up the main thread. That covers `process.stdout` and `process.stderr`
 * and so `console`, Node's warnings, and what other threads write to theirs: Node's own streams wait for a terminal and for a disk.
 */
export function standardStream(name: 'stdout' | 'stderr'): StandardStream {
  const known = taken.get(name)
  if (known) return known
  const descriptor = openOutput(name === 'stdout' ? 1 : 2)
  let missed = (lines: number) => writer.write(`[gatehouse: ${lines} lines are missing here]\n`)
  const writer = createLineWriter(descriptor, (lines) => missed(lines))
  const stream = {
    ...writer,
    descriptor,
    onMissed(say: (lines: number) => void) {
      missed = say
    },
  }
  taken.set(name, stream)
  Object.defineProperty(process, name, { value: streamTo(writer, name), configurable: true, enumerable: true })
  return stream
}

function streamTo(writer: LineWriter, name: 'stdout' | 'stderr'): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      writer.write(chunk.toString())
      done()
    },
  })
  return Object.assign(stream, { fd: name === 'stdout' ? 1 : 2 })
}

/** At the end of the process: what was written to them is on its way, or its reader has had a second. */
export async function flushStandardStreams(): Promise<void> {
  await Promise.all([...taken.values()].map((stream) => stream.flush()))
}
