/** What becomes of what a run writes. */
import type { MultilinePlan } from '../plan/output.ts'
import type { ProcessPlan } from '../plan/types.ts'
import type { OutputSink, OutputStream } from './ports.ts'

export interface Listening {
  readonly multiline: MultilinePlan | undefined
  /** Hears each line at once. */
  line(stream: OutputStream, text: string): void
  /** Hears what belongs together as one: a moment later, since more may come. */
  record(stream: OutputStream, text: string): void
}

/** `watch` hears every line too, of both streams. */
export function listeningTo({ name, output }: ProcessPlan, sink: OutputSink, watch: (text: string) => void): Listening {
  return {
    multiline: output.multiline,
    line(stream, text) {
      if (output.files) sink.line(name, stream, text)
      watch(text)
    },
    record: (stream, text) => sink.record(name, stream, text),
  }
}
