/**
 * HTTP to ACME servers. acme-client's own retries by settings of its module, which two issuers would share, and loses what
 * the server says of an error; so it is given this transport instead.
 */

import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import { getCACertificates } from 'node:tls'
import { messageOf } from '../../shared/errors.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause, timeoutSignal } from '../../shared/time/timer.ts'
import { AcmeFailure, refusalOf } from './acme-failure.ts'

export interface AcmeRequest {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

export interface AcmeAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/**
 * One exchange, tried again a few times while the network or the server fails. Throws `AcmeFailure` for what remains, and for
 * every refusal but a bad nonce, which the caller can mend by signing anew.
 */
export type AcmeTransport = (wanted: AcmeRequest) => Promise<AcmeAnswer>

/** Pauses between tries of one request: a hiccup is over by then, and an outage is for the renewal's own, longer pauses. */
const pauses: readonly Milliseconds[] = [250, 1_000, 3_000]
const answerLimit: Milliseconds = 30_000
/** A server that names a longer time is not waited for here. */
const longestWait: Milliseconds = 10_000

/** `trust`: PEM of further roots for this server; those of Node and of the system count always. */
export function createTransport(trust?: string): AcmeTransport {
  // proxyEnv: where only a proxy leads out, HTTPS_PROXY and NO_PROXY are what operators set.
  const agent = new Agent({ keepAlive: true, proxyEnv: process.env, ca: trustedRoots(trust) })
  return async (wanted) => {
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await tryOnce(wanted, agent)
      if (!(outcome instanceof AcmeFailure)) return outcome
      const wait = outcome.retryAfter ?? pauses[attempt]
      const another = outcome.transient && attempt < pauses.length && wait !== undefined && wait <= longestWait
      if (!another) throw outcome
      await pause(wait * (1 + Math.random() * 0.2))
    }
  }
}

function trustedRoots(trust: string | undefined): string[] {
  return [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...(trust ? [trust] : [])])]
}

async function tryOnce(wanted: AcmeRequest, agent: Agent): Promise<AcmeAnswer | AcmeFailure> {
  let answer: AcmeAnswer
  try {
    answer = await send(wanted, agent)
  } catch (error) {
    const { host } = new URL(wanted.url)
    return new AcmeFailure('unreachable', `the ACME server ${host} cannot be reached: ${messageOf(error)}`)
  }
  return refusalOf(answer, wanted.url) ?? answer
}

function send({ url, method, headers, body }: AcmeRequest, agent: Agent): Promise<AcmeAnswer> {
  return new Promise((resolve, reject) => {
    const signal = timeoutSignal(answerLimit)
    const options = {
      method,
      agent,
      signal,
      headers: { 'User-Agent': 'gatehouse', 'Accept-Language': 'en', ...headers },
    }
    const sent = request(url, options, (response) => {
      const { statusCode: status = 0 } = response
      text(response).then((whole) => resolve({ status, headers: response.headers, body: whole }), reject)
    })
    sent.once('error', (error) =>
      reject(signal.aborted ? new Error(`no answer within ${answerLimit / 1_000} s`) : error),
    )
    sent.end(body)
  })
}
