/** Certificates from one ACME server, in storage that replicas may share. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { AcmePlan } from '../../plan/model/certificates.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ChallengePresenter, RunDnsHook } from '../certificate-source.ts'
import { covers, type IssuedCertificate, withFacts } from '../pem.ts'
import { type AcmeSession, newAcmeKey, openAcme } from './acme.ts'
import { type AcmePair, obtainByAcme } from './acme-order.ts'
import { type AcmeStore, type CertificateFolder, createAcmeStore } from './acme-store.ts'
import { AcmeFailure, type AcmeTransport, createTransport } from './acme-transport.ts'
import { askRenewalAdvice, certificateId, type RenewalAdvice } from './ari.ts'

export interface AcmeIssuer {
  /** Of the server, for the log. */
  readonly host: string
  /**
   * The stored certificate, expired or not; undefined if there is none for these domains. Rejects if it cannot be read.
   */
  stored(domains: readonly string[]): Promise<IssuedCertificate | undefined>
  /** Changes when the stored certificate is written, perhaps by another replica. */
  storedVersion(domains: readonly string[]): Promise<string | undefined>
  /**
   * A new certificate; or the stored one, if another replica has just stored one that is `enough`. Undefined while
   * another replica holds the lock. Rejects with `AcmeFailure` or an `Error`, with a message for the log.
   */
  issue(domains: readonly string[], request: IssueRequest): Promise<IssuedCertificate | undefined>
  /** Does the same at the CA's staging server, if it has one, and stores nothing; rejects as `issue` would. */
  tryStaging(domains: readonly string[], signal: AbortSignal): Promise<void>
  advice(certificate: string): Promise<RenewalAdvice | undefined>
  revoke(certificate: string): Promise<void>
}

export interface IssueRequest {
  readonly replaces?: IssuedCertificate
  enough(stored: IssuedCertificate): boolean
  readonly signal: AbortSignal
}

export interface AcmeIssuerOptions {
  readonly plan: AcmePlan
  /** Absolute path of the folder for state. */
  readonly storage: string
  readonly presenter: ChallengePresenter
  readonly runDnsHook: RunDnsHook
  readonly log: Log
}

export function createAcmeIssuer({ plan, storage, presenter, runDnsHook, log }: AcmeIssuerOptions): AcmeIssuer {
  const store = createAcmeStore(storage, plan.directory)
  const host = new URL(plan.directory).host
  // Kept, since a lock remembers since when another holder's has not changed.
  const folders = new Map<string, CertificateFolder>()
  const folder = ([first = '']: readonly string[]) => {
    const known = folders.get(first) ?? store.certificate(first)
    folders.set(first, known)
    return known
  }
  let transport: Promise<AcmeTransport> | undefined
  const connect = () =>
    (transport ??= openTransport(plan).catch((error) => {
      transport = undefined
      throw error
    }))
  const shown = withDns(presenter, plan, runDnsHook)
  const requestFor = (names: readonly string[]) => {
    const { challenges, profile, preferredChain, key } = plan
    return { names, challenges, key, ...(profile && { profile }), ...(preferredChain && { preferredChain }) }
  }

  async function stored(domains: readonly string[]): Promise<IssuedCertificate | undefined> {
    const pair = await folder(domains).pair.load()
    return pair && issuedFrom(pair, domains)
  }

  return {
    host,
    stored,
    storedVersion: (domains) => folder(domains).pairVersion(),
    async issue(domains, { replaces, enough, signal }) {
      const { pair, pending, lock } = folder(domains)
      const held = await lock.take()
      if (!held) return undefined
      try {
        const found = await stored(domains)
        if (found && enough(found)) return found
        const session = await openSession(plan, store, await connect())
        const id = replaces && certificateId(replaces.certificate)
        const request = { ...requestFor(domains), ...(id !== undefined && { replaces: id }) }
        const made = await obtainByAcme(session, request, { presenter: shown, pending, signal })
        const issued = issuedFrom(made, domains)
        if (!issued) {
          await pending.clear()
          throw new Error('the issued certificate is not for the ordered names')
        }
        if (!(await held.stillHeld())) {
          log.warn(`another gatehouse took over the lock for ${domains.join(', ')} during an order`)
          const theirs = await stored(domains)
          if (theirs && enough(theirs)) return theirs
        }
        await pair.save(made)
        if (await held.stillHeld()) await pending.clear()
        return issued
      } finally {
        await held.release()
      }
    },
    async tryStaging(domains, signal) {
      if (plan.staging === undefined) return
      const staging = { ...plan, directory: plan.staging }
      const session = await openSession(staging, createAcmeStore(storage, plan.staging), await connect())
      const pending = { load: async () => undefined, save: async () => {}, clear: async () => {} }
      await obtainByAcme(session, requestFor(domains), { presenter: shown, pending, signal })
    },
    advice: async (certificate) => askRenewalAdvice(await connect(), plan.directory, certificate),
    async revoke(certificate) {
      const session = await openSession(plan, store, await connect())
      await session.revoke(certificate)
    },
  }
}

async function openTransport({ trust }: AcmePlan): Promise<AcmeTransport> {
  if (trust === undefined) return createTransport()
  try {
    return createTransport(await readFile(trust, 'utf8'))
  } catch (error) {
    throw new Error(`cannot read the root certificates of \`trust\`: ${messageOf(error)}`)
  }
}

/** With the stored account, or with a new one if there is none or the server no longer knows it. */
async function openSession(plan: AcmePlan, store: AcmeStore, transport: AcmeTransport): Promise<AcmeSession> {
  const { directory, email, externalAccount } = plan
  const known = await store.account.load()
  const key = known?.key ?? (await newAcmeKey())
  const options = { directory, transport, ...(email && { email }), ...(externalAccount && { externalAccount }) }
  try {
    const session = await openAcme({ ...options, account: { key, ...(known?.url && { url: known.url }) } })
    if (session.account !== known?.url) await store.account.save({ key, url: session.account })
    return session
  } catch (error) {
    if (known?.url === undefined || !(error instanceof AcmeFailure) || error.problem !== 'accountDoesNotExist')
      throw error
    const session = await openAcme({ ...options, account: { key } })
    await store.account.save({ key, url: session.account })
    return session
  }
}

/** TXT records are set by the operator's command; the gateway shows everything else. */
function withDns(presenter: ChallengePresenter, { dns }: AcmePlan, run: RunDnsHook): ChallengePresenter {
  const record = (name: string) => `_acme-challenge.${name}`
  return {
    async present(challenge) {
      const { type, name, proof } = challenge
      if (type !== 'dns-01') return presenter.present(challenge)
      if (dns) await run(dns, ['set', record(name), proof])
    },
    async withdraw(challenge) {
      const { type, name, proof } = challenge
      if (type !== 'dns-01') return presenter.withdraw(challenge)
      // A record that stays is harmless: its value no longer proves anything.
      if (dns) await run(dns, ['clear', record(name), proof]).catch(() => {})
    },
  }
}

/** Undefined if certificate and key do not belong together, or the names are others. */
function issuedFrom({ certificate, key }: AcmePair, domains: readonly string[]): IssuedCertificate | undefined {
  try {
    const leaf = new X509Certificate(certificate)
    if (!leaf.checkPrivateKey(createPrivateKey(key)) || !domains.every((domain) => covers(leaf, domain)))
      return undefined
    return withFacts(leaf, { certificate, key })
  } catch {
    return undefined
  }
}
