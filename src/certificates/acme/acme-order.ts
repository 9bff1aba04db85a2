/** One certificate from an ACME server: order, prove, finalize, download. */

import { isDeepStrictEqual } from 'node:util'
import type { CertificateKeyType } from '../../plan/model/certificates.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import type { ChallengePresenter } from '../certificate-source.ts'
import {
  type AcmeAuthorization,
  type AcmeOrder,
  type AcmeSession,
  type ChallengeType,
  newAcmeKey,
  type OrderWish,
} from './acme.ts'
import { AcmeFailure } from './acme-transport.ts'

/** An order under way: with its key, so that a crash between the order and the save loses nothing. A secret. */
export interface PendingOrder {
  readonly url: string
  /** PEM (PKCS#8) of the certificate to be. */
  readonly key: string
  readonly names: readonly string[]
}

export interface AcmeWish extends OrderWish {
  /** The preferred one first. Wildcards can be proved by dns-01 only. */
  readonly challenges: readonly ChallengeType[]
  readonly preferredChain?: string
  readonly key?: CertificateKeyType
}

export interface AcmeDesk {
  readonly presenter: ChallengePresenter
  readonly pending: {
    load(): Promise<PendingOrder | undefined>
    save(order: PendingOrder): Promise<void>
    clear(): Promise<void>
  }
  /** Ends it early. */
  readonly signal: AbortSignal
}

export interface AcmePair {
  /** Leaf first. PEM. */
  readonly certificate: string
  readonly key: string
}

const shortestLook: Milliseconds = 200
const longestLook: Milliseconds = 5_000
/** CAs look from several places and may take their time, but not for ever. */
const patience: Milliseconds = 300_000

/**
 * Rejects with `AcmeFailure`, or an `Error` that says for each name what the CA found. An order that was begun before a crash
 * is taken up again.
 */
export async function obtainByAcme(session: AcmeSession, wish: AcmeWish, desk: AcmeDesk): Promise<AcmePair> {
  const begun = await desk.pending.load()
  const resumed = begun && (await resume(session, begun, wish, desk))
  if (resumed) return resumed
  const failed = new Map<ChallengeType, string>()
  for (;;) {
    const order = await place(session, wish)
    const pending: PendingOrder = { url: order.url, key: await newAcmeKey(wish.key), names: wish.names }
    await desk.pending.save(pending)
    const failure = await prove(session, order.url, { wish, desk, failed })
    if (failure === undefined) return finish(session, pending, wish, desk)
    // The order is void; another one may prove what is left by another kind of challenge (RFC 8555 §7.1.6).
    failed.set(failure.type, failure.words)
  }
}

async function place(session: AcmeSession, wish: AcmeWish): Promise<AcmeOrder> {
  try {
    return await session.order(wish)
  } catch (error) {
    // What it replaces was replaced already, or is unknown to this CA: then it is an order like any other (RFC 9773 §5).
    const { replaces, ...rest } = wish
    if (replaces === undefined || !(error instanceof AcmeFailure) || error.kind !== 'refused') throw error
    return session.order(rest)
  }
}

/** Undefined: it leads nowhere any more. */
async function resume(
  session: AcmeSession,
  begun: PendingOrder,
  wish: AcmeWish,
  desk: AcmeDesk,
): Promise<AcmePair | undefined> {
  try {
    // The config may have changed since.
    const { status } = isDeepStrictEqual(begun.names, wish.names) ? await session.look(begun.url) : { status: 'other' }
    if (status === 'ready' || status === 'processing' || status === 'valid')
      return await finish(session, begun, wish, desk)
  } catch (error) {
    if (error instanceof AcmeFailure && error.kind !== 'refused') throw error
  }
  await desk.pending.clear()
  return undefined
}

interface Proving {
  readonly wish: AcmeWish
  readonly desk: AcmeDesk
  /** What did not work before, with the CA's words. */
  readonly failed: ReadonlyMap<ChallengeType, string>
}

/** Undefined: all names are proved. */
async function prove(session: AcmeSession, url: string, proving: Proving) {
  const { desk } = proving
  const open = (await session.authorizations(url)).filter(({ status }) => status !== 'valid')
  const shown: { withdraw(): Promise<void> }[] = []
  try {
    for (const authorization of open) {
      const type = choose(authorization, proving)
      const challenge = { name: authorization.name, ...(await authorization.challenge(type)) }
      shown.push({ withdraw: () => desk.presenter.withdraw(challenge) })
      await desk.presenter.present(challenge)
      await authorization.begin(type)
    }
    const proved = () => session.authorizations(url)
    const ended = await until(
      proved,
      (all) => all.every(isOver) || all.some(({ status }) => status === 'invalid'),
      desk.signal,
    )
    const bad = ended.find(({ status }) => status !== 'valid')
    if (!bad) return undefined
    return { type: choose(bad, proving), words: `${bad.name}: ${bad.failure ?? `the authorization is ${bad.status}`}` }
  } finally {
    await Promise.all(shown.map(({ withdraw }) => withdraw()))
  }
}

const isOver = ({ status }: AcmeAuthorization) => status !== 'pending' && status !== 'processing'

function choose({ name, wildcard, offers }: AcmeAuthorization, { wish, failed }: Proving): ChallengeType {
  const possible = wish.challenges.filter((type) => offers.includes(type) && (!wildcard || type === 'dns-01'))
  const next = possible.find((type) => !failed.has(type))
  if (next !== undefined) return next
  const subject = wildcard ? `*.${name}` : name
  if (possible.length === 0)
    throw new Error(
      `${subject} cannot be proved: the CA offers ${offers.join(', ')}${wildcard ? ', and for a wildcard dns-01 alone counts' : ''}; \`challenges\` allows ${wish.challenges.join(', ')}`,
    )
  throw new Error(possible.map((type) => `${type}: ${failed.get(type)}`).join('; '))
}

async function finish(
  session: AcmeSession,
  { url, key }: PendingOrder,
  wish: AcmeWish,
  desk: AcmeDesk,
): Promise<AcmePair> {
  const settled = ({ status }: AcmeOrder) => status !== 'pending' && status !== 'processing'
  const look = () => session.look(url)
  const ready = await until(look, settled, desk.signal)
  if (ready.status === 'ready') await session.finalize(url, wish.names, key)
  const order = await until(look, (one) => settled(one) && one.status !== 'ready', desk.signal)
  if (order.status !== 'valid')
    throw new Error(`the order became ${order.status}: ${order.failure ?? 'no reason was given'}`)
  return { certificate: await session.certificate(url, wish.preferredChain), key }
}

/** Looks again, with growing pauses, until it is so; rejects after five minutes. */
async function until<T>(look: () => Promise<T>, enough: (found: T) => boolean, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + patience
  for (let wait = shortestLook; ; wait = Math.min(wait * 1.5, longestLook)) {
    const found = await look()
    if (enough(found)) return found
    if (performance.now() > deadline) throw new Error(`the CA did not decide within ${patience / 60_000} minutes`)
    await pause(wait, undefined, { signal })
  }
}
