/**
 * How a program announces by itself that it is ready: by a line of its output, or a newline on a file descriptor. We
 * listen from the spawn on and remember it: the program may be ready before its ready probe begins.
 */
import type { Readable } from 'node:stream'
import type { ProcessPlan, ReportedCheck } from '../../plan/model/plan.ts'

export interface Announcement {
  /** Resolves when it came; perhaps never. */
  readonly announced: Promise<void>
  /** A line that the program wrote. */
  line(text: string): void
}

const newline = 0x0a

/** The file descriptors on which the program may announce something, each once. */
export function descriptorsOf({ startup, ready }: ProcessPlan): readonly number[] {
  return [...new Set([startup, ready].flatMap((probe) => (probe?.kind === 'fd' ? [probe.descriptor] : [])))]
}

/** `closed`: called if it can no longer come. `notifications`: our ends of the pipes, by descriptor. */
export function listenFor(
  check: ReportedCheck,
  notifications: ReadonlyMap<number, Readable>,
  closed: (why: string) => void,
): Announcement {
  const { promise: announced, resolve } = Promise.withResolvers<void>()
  if (check.kind === 'log') {
    const pattern = new RegExp(check.pattern)
    let said = false
    const line = (text: string) => {
      if (said || !pattern.test(text)) return
      said = true
      resolve()
    }
    return { announced, line }
  }
  const { descriptor } = check
  let said = false
  // s6's protocol (skarnet.org/software/s6/notifywhenup.html): what comes before the newline is ignored. What comes
  // after it is read as well, since SIGPIPE kills a program that writes to a pipe without a reader.
  notifications
    .get(descriptor)
    ?.on('data', (chunk: Buffer) => {
      said ||= chunk.includes(newline)
      if (said) resolve()
    })
    .once(
      'end',
      () => said || closed(`closed descriptor ${descriptor} without writing a newline, so it cannot become ready`),
    )
    .on('error', () => {})
  return { announced, line: () => {} }
}
