import type { Milliseconds } from '../../shared/time/duration.ts'
import type { AcmeAnswer } from './acme-transport.ts'

export type AcmeFailureKind = 'unreachable' | 'server' | 'rate-limited' | 'refused'

/** Why an ACME server did not do what it was asked, in words for the log. */
export class AcmeFailure extends Error {
  override readonly name = 'AcmeFailure'
  readonly kind: AcmeFailureKind
  /** The last part of the problem's type (RFC 8555 §6.7), for example `rateLimited`. */
  readonly problem: string | undefined
  /** What the server asks to wait for. */
  readonly retryAfter: Milliseconds | undefined

  constructor(kind: AcmeFailureKind, message: string, facts: { problem?: string; retryAfter?: Milliseconds } = {}) {
    super(message)
    this.kind = kind
    this.problem = facts.problem
    this.retryAfter = facts.retryAfter
  }

  /** The same request may do better in a moment. */
  get transient(): boolean {
    return this.kind === 'unreachable' || this.kind === 'server'
  }
}

interface Problem {
  readonly type?: string
  readonly detail?: string
  readonly subproblems?: readonly { readonly detail?: string; readonly identifier?: { readonly value?: string } }[]
}

/** Undefined: no failure, or a bad nonce (RFC 8555 §6.5), for which the request is to be signed anew. */
export function refusalOf({ status, headers, body }: AcmeAnswer, url: string): AcmeFailure | undefined {
  if (status < 400) return undefined
  const problem = parseProblem(body)
  const type = problem.type?.split(':').at(-1)
  if (status === 400 && type === 'badNonce') return undefined
  const { host } = new URL(url)
  const facts = { ...(type && { problem: type }), ...retryAfterOf(headers['retry-after']) }
  const said = problem.detail ? `: ${wordsOf(problem)}` : ` ${status}`
  if (status === 429 || type === 'rateLimited')
    return new AcmeFailure('rate-limited', `the ACME server ${host} limits the rate${said}`, facts)
  if (status >= 500) return new AcmeFailure('server', `the ACME server ${host} failed with ${status}${said}`, facts)
  return new AcmeFailure('refused', `the ACME server ${host} refused${said}`, facts)
}

/** The words of a problem and of its parts, each with the name that it is about. */
function wordsOf({ detail = '', subproblems = [] }: Problem): string {
  const parts = subproblems.map((one) => `${one.identifier?.value ?? '?'}: ${one.detail ?? ''}`)
  return [detail, ...parts].join('; ').replaceAll(/\s+/g, ' ').slice(0, 1_000)
}

function parseProblem(body: string): Problem {
  try {
    const parsed: unknown = JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {} // a page of some proxy in between
  }
}

/** Seconds or a date (RFC 9110 §10.2.3). */
export function retryAfterOf(header: string | string[] | undefined): { retryAfter?: Milliseconds } {
  if (typeof header !== 'string') return {}
  const wait = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isNaN(wait) ? {} : { retryAfter: Math.max(0, wait) }
}
