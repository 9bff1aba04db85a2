/** Where the output of programs goes: the supervisor hands it over line by line, the app writes it to files and to its log. */
import type { MultilinePlan } from '../../plan/model/output.ts'
import type { ProcessPlan } from '../../plan/model/plan.ts'

export type OutputStream = 'stdout' | 'stderr'

/** Takes what programs write. Must not throw and must not block. */
export interface OutputSink {
  /** Each line as it came, without its end, of processes whose output goes to files. */
  line(process: string, stream: OutputStream, text: string): void
  /** For the log: a line, or several that belong together. */
  record(process: string, stream: OutputStream, text: string): void
}

export interface Listening {
  /** May become another one while it runs. */
  readonly multiline: MultilinePlan | undefined
  /** Hears each line at once. */
  line(stream: OutputStream, text: string): void
  /** Hears what belongs together as one: a moment later, since more may come. */
  record(stream: OutputStream, text: string): void
}

/** By the plan as it is at each line. `watch` hears every line too, of both streams. */
export function listeningTo(plan: () => ProcessPlan, sink: OutputSink, watch: (text: string) => void): Listening {
  return {
    get multiline() {
      return plan().output.multiline
    },
    line(stream, text) {
      const { name, output } = plan()
      if (output.files) sink.line(name, stream, text)
      watch(text)
    },
    record: (stream, text) => sink.record(plan().name, stream, text),
  }
}
