/**
 * HTTP to ACME servers. acme-client's own transport retries by settings of its module, which two issuers would share,
 * and drops the server's error messages; so it uses this one instead.
 */

import type { Agent } from 'node:https'
import { text } from 'node:stream/consumers'
import { messageOf } from '../../shared/errors.ts'
import { onDemand } from '../../shared/system/on-demand.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause, timeoutSignal } from '../../shared/time/timer.ts'

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
 * One exchange, retried a few times while the network or the server fails. Rejects with `AcmeFailure`, also for every
 * refusal but a bad nonce, for which the caller signs the request again.
 */
export type AcmeTransport = (wanted: AcmeRequest) => Promise<AcmeAnswer>

/** Pauses between tries of one request. A longer outage is left to the pauses between renewals. */
const pauses: readonly Milliseconds[] = [250, 1_000, 3_000]
const answerLimit: Milliseconds = 30_000
/** A longer `Retry-After` of the server is left to the renewal as well. */
const longestWait: Milliseconds = 10_000

/** `trust`: PEM of further roots for this server, besides those of Node and of the system. */
export function createTransport(trust?: string): AcmeTransport {
  // proxyEnv: HTTPS_PROXY and NO_PROXY.
  const { Agent } = onDemand.https()
  // One context for all connections: each that is made of the list of roots parses all of them, some 20 ms of CPU.
  const secureContext = onDemand.tls().createSecureContext({ ca: trustedRoots(trust) })
  const agent = new Agent({ keepAlive: true, proxyEnv: process.env, secureContext })
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
  const { getCACertificates } = onDemand.tls()
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
    const sent = onDemand.https().request(url, options, (response) => {
      const { statusCode: status = 0 } = response
      text(response).then((whole) => resolve({ status, headers: response.headers, body: whole }), reject)
    })
    sent.once('error', (error) =>
      reject(signal.aborted ? new Error(`no answer within ${answerLimit / 1_000} s`) : error),
    )
    sent.end(body)
  })
}

export type AcmeFailureKind = 'unreachable' | 'server' | 'rate-limited' | 'refused'

/** Why an ACME server did not do what it was asked; the message is for the log. */
export class AcmeFailure extends Error {
  override readonly name = 'AcmeFailure'
  readonly kind: AcmeFailureKind
  /** The last part of the problem's type (RFC 8555 §6.7), for example `rateLimited`. */
  readonly problem: string | undefined
  readonly retryAfter: Milliseconds | undefined

  constructor(kind: AcmeFailureKind, message: string, facts: { problem?: string; retryAfter?: Milliseconds } = {}) {
    super(message)
    this.kind = kind
    this.problem = facts.problem
    this.retryAfter = facts.retryAfter
  }

  /** The same request may succeed in a moment. */
  get transient(): boolean {
    return this.kind === 'unreachable' || this.kind === 'server'
  }
}

interface Problem {
  readonly type?: string
  readonly detail?: string
  readonly subproblems?: readonly { readonly detail?: string; readonly identifier?: { readonly value?: string } }[]
}

/** Undefined: no failure, or a bad nonce (RFC 8555 §6.5). */
function refusalOf({ status, headers, body }: AcmeAnswer, url: string): AcmeFailure | undefined {
  if (status < 400) return undefined
  const problem = parseProblem(body)
  const type = problem.type?.split(':').at(-1)
  if (status === 400 && type === 'badNonce') return undefined
  const { host } = new URL(url)
  const facts = { ...(type && { problem: type }), ...retryAfterOf(headers['retry-after']) }
  const said = problem.detail ? `: ${wordsOf(problem)}` : ` ${status}`
  if (status === 429 || type === 'rateLimited')
    return new AcmeFailure('rate-limited', `rate limit of the ACME server ${host}${said}`, facts)
  if (status >= 500) return new AcmeFailure('server', `the ACME server ${host} failed with ${status}${said}`, facts)
  return new AcmeFailure('refused', `the ACME server ${host} refused${said}`, facts)
}

/** The messages of a problem and of its parts, each with the name that it is about. */
function wordsOf({ detail = '', subproblems = [] }: Problem): string {
  const parts = subproblems.map((one) => `${one.identifier?.value ?? '?'}: ${one.detail ?? ''}`)
  return [detail, ...parts].join('; ').replaceAll(/\s+/g, ' ').slice(0, 1_000)
}

function parseProblem(body: string): Problem {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {} // a page of a proxy
  }
}

/** Seconds or a date (RFC 9110 §10.2.3). */
export function retryAfterOf(header: string | string[] | undefined): { retryAfter?: Milliseconds } {
  if (typeof header !== 'string') return {}
  const wait = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(wait) ? {} : { retryAfter: Math.max(0, wait) }
}
