import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessPlan, ReadinessProbe } from '../../plan/types.ts'
import { programOf } from '../program.ts'
import type { Attempt } from './attempt.ts'
import { execAttempt } from './exec.ts'
import { httpAttempt } from './http.ts'
import { logTest } from './log.ts'
import { tcpAttempt } from './tcp.ts'

export interface ReadinessWatch {
  /** A line that the program wrote. */
  line(text: string): void
  /** Ends the watch; neither of its listeners is called any more. */
  close(): void
}

export interface ReadinessListener {
  ready(): void
  /** Not ready in time; `last` says what the last attempt found, if there was one. */
  deadlinePassed(last: string | undefined): void
}

/** Asks until the program is ready or the deadline has passed, and then says so once. */
export function watchReadiness(plan: ProcessPlan, probe: ReadinessProbe, listener: ReadinessListener): ReadinessWatch {
  const over = new AbortController()
  let last: string | undefined
  const once = (say: () => void) => {
    if (over.signal.aborted) return
    close()
    say()
  }
  const close = () => {
    clearTimeout(deadline)
    over.abort()
  }
  const deadline = setTimeout(() => once(() => listener.deadlinePassed(last)), probe.deadline)

  if (probe.kind === 'log') {
    const matches = logTest(probe.pattern)
    return { close, line: (text) => void (matches(text) && once(listener.ready)) }
  }
  void attemptUntilReady(attemptOf(plan, probe), probe, over.signal, (found) => {
    last = found
  }).then((ready) => ready && once(listener.ready))
  return { close, line: () => {} }
}

function attemptOf(plan: ProcessPlan, probe: Exclude<ReadinessProbe, { kind: 'log' }>): Attempt {
  switch (probe.kind) {
    case 'http':
      return httpAttempt(probe.url)
    case 'tcp':
      return tcpAttempt(probe.host, probe.port)
    case 'exec':
      return execAttempt(programOf(plan, probe.command))
  }
}

/** Resolves with true when it is ready, false when the watch is over. */
async function attemptUntilReady(
  attempt: Attempt,
  { every, timeout }: ReadinessProbe,
  over: AbortSignal,
  tell: (found: string) => void,
): Promise<boolean> {
  while (!over.aborted) {
    const expired = AbortSignal.timeout(timeout)
    const found = await attempt(AbortSignal.any([over, expired]))
    if (found === undefined) return true
    if (over.aborted) return false
    tell(expired.aborted ? `no answer within ${timeout}ms` : found)
    await sleep(every, undefined, { signal: over }).catch(() => {})
  }
  return false
}
