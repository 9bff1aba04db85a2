import { request as requestHttp } from 'node:http'
import { messageOf } from '../../shared/errors.ts'
import { readToEnd } from '../../shared/net/read-to-end.ts'
import { failedOrNotTried, NotTried } from '../../shared/system/local-fault.ts'
import { onDemand } from '../../shared/system/on-demand.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { sleep, timeoutSignal } from '../../shared/time/timer.ts'
import type { SupervisorEvent } from '../events/events.ts'
import { hookMessage } from './message.ts'
import { shortageRetries } from './shortage-retries.ts'

/** Between attempts; after them a further failure is final. */
const pauses: readonly Milliseconds[] = [1_000, 4_000]

interface Outcome {
  /** Undefined: accepted. */
  readonly failure: string | NotTried | undefined
  /** Another attempt may succeed. */
  readonly again: boolean
}

/**
 * Sends the event as JSON. Any answer but 200 to 299 is a failure; redirects are not followed, since they would lead
 * the event to a place that the operator did not choose. Resolves with undefined, or with the reason of the failure.
 * Never rejects.
 */
export async function postEvent(
  url: string,
  event: SupervisorEvent,
  { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: Milliseconds },
): Promise<string | undefined> {
  const body = JSON.stringify(hookMessage(event))
  for (let failed = 0, short = 0; ; ) {
    const attempt = AbortSignal.any([signal, timeoutSignal(timeout)])
    const { failure, again } = await post(url, body, attempt)
    if (signal.aborted && failure !== undefined) return 'did not finish before Gatehouse exited'
    let pause = pauses[failed]
    if (failure instanceof NotTried) {
      short += 1
      pause = short < shortageRetries.most ? shortageRetries.pause : undefined
      if (pause === undefined) return failure.why
    } else {
      const late = attempt.aborted && failure !== undefined
      if (!again || pause === undefined) return late ? `did not answer within ${formatDuration(timeout)}` : failure
      failed += 1
    }
    await sleep(pause, undefined, { signal }).catch(() => {})
  }
}

function post(url: string, body: string, signal: AbortSignal): Promise<Outcome> {
  const request = url.startsWith('https:') ? onDemand.https().request : requestHttp
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'gatehouse-hook',
  }
  return new Promise((resolve) => {
    const sent = request(url, { method: 'POST', agent: false, headers, signal }, (response) => {
      const { statusCode: status = 0 } = response
      readToEnd(response)
      resolve(outcomeOf(status))
    })
    sent.on('error', (error) => resolve({ failure: failedOrNotTried(error, messageOf(error)), again: true }))
    sent.on('close', () => resolve({ failure: 'closed the connection without an answer', again: true }))
    sent.end(body)
  })
}

function outcomeOf(status: number): Outcome {
  if (status >= 200 && status <= 299) return { failure: undefined, again: false }
  if (status >= 300 && status <= 399) {
    return { failure: `answered ${status}, and redirects are not followed`, again: false }
  }
  return { failure: `answered ${status}`, again: status >= 500 || status === 408 || status === 429 }
}
