/**
 * Where the output of programs goes: the supervisor hands it over line by line, the app writes it to files and to its
 * log.
 */
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

/** Takes the output of one run. */
export interface OutputListener {
  /** May change during the run. */
  readonly multiline: MultilinePlan | undefined
  /** Called with each line at once. */
  line(stream: OutputStream, text: string): void
  /** Called with lines that belong together as one text: a moment later, since more may come. */
  record(stream: OutputStream, text: string): void
}

/** Passes output to the sink, by the plan in force at each line. `watch` gets every line, too, of both streams. */
export function outputListener(
  plan: () => ProcessPlan,
  sink: OutputSink,
  watch: (text: string) => void,
): OutputListener {
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
