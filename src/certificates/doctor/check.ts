/** The interface of all checks of `gatehouse certs doctor`. */
import type { AcmePlan } from '../../plan/model/certificates.ts'
import type { Directory } from './directory.ts'
import type { Names } from './names.ts'

export interface Finding {
  /** `unknown`: it cannot be determined from here, which is not a failure. */
  readonly verdict: 'good' | 'unknown' | 'bad'
  readonly words: string
  /** What to do; always present with `bad`. */
  readonly hint?: string
}

/** One certificate, and what its checks may use. */
export interface CheckContext {
  readonly domains: readonly string[]
  /** Absolute path of the folder for state. */
  readonly storage: string
  /** Its first ACME source, with the server's directory; absent if it has none. */
  readonly acme?: { readonly plan: AcmePlan; readonly directory: Directory }
  /** The internal CA is its only source. */
  readonly isInternal?: boolean
  readonly names: Names
  /** The public ports, to which the CA connects: 80 and 443 (RFC 8555 §8.3, RFC 8737 §3). */
  readonly ports: { readonly http: number; readonly https: number }
  /** From the status of the running Gatehouse; absent if none is running. */
  readonly running?: RunningState
}

export interface RunningState {
  /** `host:port` of its listeners with TLS. */
  readonly listeners: readonly string[]
  readonly fallback: boolean
  /** Of the certificate that it serves: Unix time in milliseconds. Older versions do not report the first. */
  readonly notBefore?: number
  readonly notAfter: number
  readonly failures: number
  readonly lastError?: string
}

/** Never rejects: what cannot be checked is a finding, too. Empty if there is nothing to check. */
export type Check = (context: CheckContext) => Promise<readonly Finding[]>

export function good(words: string): Finding {
  return { verdict: 'good', words }
}

export function unknown(words: string, hint?: string): Finding {
  return { verdict: 'unknown', words, ...(hint !== undefined && { hint }) }
}

export function bad(words: string, hint: string): Finding {
  return { verdict: 'bad', words, hint }
}

/** For all names of the certificate at the same time; the findings are in the order of the names. */
export async function forEachName(
  { domains }: CheckContext,
  look: (name: string) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  return (await Promise.all(domains.map(look))).flat()
}
