/**
 * What a program says by itself: a line of its output, or a newline on a file descriptor. It is listened to from the spawn
 * on, and what it has said holds: it may be ready before anyone asks.
 */
import type { Readable } from 'node:stream'
import type { ProcessPlan, ReportedCheck } from '../../plan/model/plan.ts'

export interface Hearing {
  /** Resolves when it has been said; perhaps never. */
  readonly heard: Promise<void>
  /** A line that the program wrote. */
  line(text: string): void
}

const newline = 0x0a

/** The file descriptors, each once, on which the program is to say something. */
export function descriptorsOf({ startup, ready }: ProcessPlan): readonly number[] {
  return [...new Set([startup, ready].flatMap((probe) => (probe?.kind === 'fd' ? [probe.descriptor] : [])))]
}

/** `closed`: called if nobody is left who could say it. `notifications`: by number, the ends of the pipes that we read. */
export function hear(
  check: ReportedCheck,
  notifications: ReadonlyMap<number, Readable>,
  closed: (why: string) => void,
): Hearing {
  const { promise: heard, resolve } = Promise.withResolvers<void>()
  if (check.kind === 'log') {
    const pattern = new RegExp(check.pattern)
    let said = false
    const line = (text: string) => {
      if (said || !pattern.test(text)) return
      said = true
      resolve()
    }
    return { heard, line }
  }
  const { descriptor } = check
  let said = false
  // s6's protocol (skarnet.org/software/s6/notifywhenup.html): what comes before the newline means nothing. What comes
  // after it is read as well, since a program that writes to a pipe without a reader is killed by SIGPIPE.
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
  return { heard, line: () => {} }
}
