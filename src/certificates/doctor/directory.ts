/** The ACME server: whether it can be reached and trusted, what time it is there, and whether it wants to know its customers. */

import { readFile } from 'node:fs/promises'
import type { AcmePlan } from '../../plan/model/certificates.ts'
import { codeOf, messageOf } from '../../shared/errors.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { createTransport } from '../acme/acme-transport.ts'
import { bad, type Check, good, unknown } from './check.ts'

/** What a directory says of itself (RFC 8555 §7.1.1); asked for once, however many checks want to know. */
export type Directory = () => Promise<DirectoryFacts>

export interface DirectoryFacts {
  readonly host: string
  /** Why there is nothing else to know. */
  readonly problem?: string
  /** Unix time there minus the time here, to the second. */
  readonly ahead?: Milliseconds
  readonly wantsAccount: boolean
  /** By which names CAA records mean it. */
  readonly caaNames: readonly string[]
}

const patience: Milliseconds = 15_000
/** Tokens and certificates are made for the clocks of others: a few minutes are what CAs and browsers forgive. */
const clockTolerance: Milliseconds = 120_000

export function createDirectory(plan: AcmePlan): Directory {
  let asked: Promise<DirectoryFacts> | undefined
  return () => (asked ??= ask(plan))
}

async function ask({ directory: url, trust }: AcmePlan): Promise<DirectoryFacts> {
  const { host } = new URL(url)
  const nothing = { host, wantsAccount: false, caaNames: [] }
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
      wantsAccount: meta.externalAccountRequired === true,
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

export const checkDirectory: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, problem } = await acme.directory()
  if (problem === undefined) return [good(`the CA's directory at ${host} answers and is trusted`)]
  const isDistrust = /certificate|self-signed|issuer/i.test(problem)
  const hint = isDistrust
    ? 'if this CA is your own, set `trust:` to a PEM file with its root; if not, somebody is in between'
    : 'let this machine reach it: a firewall, a proxy (HTTPS_PROXY is obeyed) or the DNS is in the way'
  return [bad(`the CA's directory at ${host} is of no use: ${problem}`, hint)]
}

export const checkClock: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, ahead } = await acme.directory()
  if (ahead === undefined) return [unknown('the clock could not be compared: the CA does not tell its time')]
  const off = `${formatDuration(Math.abs(ahead))} ${ahead > 0 ? 'behind' : 'ahead of'}`
  if (Math.abs(ahead) <= clockTolerance) return [good(`the clock agrees with that of ${host}`)]
  return [bad(`the clock here is ${off} that of ${host}`, 'set it right on the host (a container has none of its own)')]
}

export const checkAccount: Check = async ({ acme }) => {
  if (!acme) return []
  const { host, wantsAccount, problem } = await acme.directory()
  if (problem !== undefined || !wantsAccount) return []
  if (acme.plan.externalAccount) return [good(`${host} wants to know its customers, and \`externalAccount\` is set`)]
  const hint = 'set `externalAccount: { keyId, hmac }` as your account there shows them'
  return [bad(`${host} gives certificates to its customers only, and \`externalAccount\` is not set`, hint)]
}
