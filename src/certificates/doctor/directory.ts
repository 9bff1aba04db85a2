/** The directory of an ACME server (RFC 8555 §7.1.1), as far as the checks need it. */

import { readFile } from 'node:fs/promises'
import type { AcmePlan } from '../../plan/model/certificates.ts'
import { codeOf, messageOf } from '../../shared/errors.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { createTransport } from '../acme/acme-transport.ts'

/** Fetched once, however many checks use it. Never rejects. */
export type Directory = () => Promise<DirectoryFacts>

export interface DirectoryFacts {
  readonly host: string
  /** Why the directory could not be read. */
  readonly problem?: string
  /** The server's time minus ours, to the second. */
  readonly ahead?: Milliseconds
  readonly requiresAccount: boolean
  /** Its names in CAA records. */
  readonly caaNames: readonly string[]
}

const patience: Milliseconds = 15_000

export function createDirectory(plan: AcmePlan): Directory {
  let facts: Promise<DirectoryFacts> | undefined
  return () => (facts ??= ask(plan))
}

async function ask({ directory: url, trust }: AcmePlan): Promise<DirectoryFacts> {
  const { host } = new URL(url)
  const nothing = { host, requiresAccount: false, caaNames: [] }
  let roots: string | undefined
  try {
    roots = trust === undefined ? undefined : await readFile(trust, 'utf8')
  } catch (error) {
    return { ...nothing, problem: `\`trust\`: ${trust} cannot be read (${codeOf(error)})` }
  }
  try {
    const answer = createTransport(roots)({ url, method: 'GET', headers: {} })
    const { headers, body } = await within(answer, patience)
    const { meta = {} } = JSON.parse(body) as { meta?: { caaIdentities?: string[]; externalAccountRequired?: boolean } }
    const date = Date.parse(String(headers.date))
    return {
      host,
      requiresAccount: meta.externalAccountRequired === true,
      caaNames: Array.isArray(meta.caaIdentities) ? meta.caaIdentities : [],
      ...(!Number.isNaN(date) && { ahead: date - Math.floor(Date.now() / 1_000) * 1_000 }),
    }
  } catch (error) {
    return { ...nothing, problem: messageOf(error) }
  }
}

async function within<Result>(work: Promise<Result>, limit: Milliseconds): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${formatDuration(limit)}`)), limit)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
