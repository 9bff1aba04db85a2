/** The process's own stdout and stderr. Main thread only; other threads get the descriptor. */
import { Writable } from 'node:stream'
import { createLineWriter, type LineWriter } from './line-writer.ts'
import { type OutputDescriptor, openOutput } from './output-descriptor.ts'

export interface StandardStream extends LineWriter {
  readonly descriptor: OutputDescriptor
  /** Replaces the report of dropped lines, which is a line of text by default. */
  onMissed(say: (lines: number) => void): void
}

const taken = new Map<'stdout' | 'stderr', StandardStream>()

/**
 * From the first call on, writing to the stream does not block the main thread: Node's own streams block on a terminal
 * and on a disk. That includes `process.stdout` and `process.stderr`, and so `console`, Node's warnings, and the output
 * of other threads.
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

/** For the end of the process: writes what is buffered, for a limited time. */
export async function flushStandardStreams(): Promise<void> {
  await Promise.all([...taken.values()].map((stream) => stream.flush()))
}
