/** The small interface of all checks of `gatehouse certs doctor`. */
import type { AcmePlan } from '../../plan/model/certificates.ts'
import type { Directory } from './directory.ts'
import type { Names } from './names.ts'

export interface Finding {
  /** `unknown`: it cannot be told from here, which is no failure. */
  readonly verdict: 'good' | 'unknown' | 'bad'
  readonly words: string
  /** What to do; with `bad` always. */
  readonly hint?: string
}

/** One certificate, and what its checks may look at. */
export interface Patient {
  readonly domains: readonly string[]
  /** Absolute path of the folder for state. */
  readonly storage: string
  /** The first of its sources that is an ACME server, with what that server says of itself; absent if it has none. */
  readonly acme?: { readonly plan: AcmePlan; readonly directory: Directory }
  /** Our own CA makes it, and nobody else is asked. */
  readonly isInternal?: boolean
  readonly names: Names
  /** Where the world, and the CA, come in: 80 and 443 (RFC 8555 §8.3, RFC 8737 §3). */
  readonly ports: { readonly http: number; readonly https: number }
  /** What the running Gatehouse says; absent if none runs. */
  readonly running?: Running
}

export interface Running {
  /** `host:port` of its listeners with TLS. */
  readonly doors: readonly string[]
  readonly stopgap: boolean
  readonly failures: number
  readonly lastError?: string
}

/** Never rejects: what cannot be checked is a finding, too. None, if there is nothing to check. */
export type Check = (patient: Patient) => Promise<readonly Finding[]>

export function good(words: string): Finding {
  return { verdict: 'good', words }
}

export function unknown(words: string, hint?: string): Finding {
  return { verdict: 'unknown', words, ...(hint !== undefined && { hint }) }
}

export function bad(words: string, hint: string): Finding {
  return { verdict: 'bad', words, hint }
}

/** One after the other, for each name of the certificate: the answers of one do not hide behind another's waiting. */
export async function forEachName(
  { domains }: Patient,
  look: (name: string) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  return (await Promise.all(domains.map(look))).flat()
}
