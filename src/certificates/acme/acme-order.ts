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
  type OrderRequest,
} from './acme.ts'
import { AcmeFailure } from './acme-transport.ts'

/** An order under way, with its key: a crash before the certificate is stored loses nothing. A secret. */
export interface PendingOrder {
  readonly url: string
  /** PEM (PKCS#8), of the future certificate. */
  readonly key: string
  readonly names: readonly string[]
}

export interface CertificateRequest extends OrderRequest {
  /** The preferred one first. Wildcards need dns-01. */
  readonly challenges: readonly ChallengeType[]
  readonly preferredChain?: string
  readonly key?: CertificateKeyType
}

export interface OrderContext {
  readonly presenter: ChallengePresenter
  readonly pending: {
    load(): Promise<PendingOrder | undefined>
    save(order: PendingOrder): Promise<void>
    clear(): Promise<void>
  }
  readonly signal: AbortSignal
}

export interface AcmePair {
  /** Leaf first. PEM. */
  readonly certificate: string
  readonly key: string
}

const pollPause = { first: 200, longest: 5_000 }
/** CAs check from several places and may take minutes. */
const patience: Milliseconds = 300_000

/**
 * Resumes an order from before a crash, if there is one. Rejects with `AcmeFailure`, or with an `Error` that says for
 * each name what the CA found.
 */
export async function obtainByAcme(
  session: AcmeSession,
  request: CertificateRequest,
  context: OrderContext,
): Promise<AcmePair> {
  const begun = await context.pending.load()
  const resumed = begun && (await resume(session, begun, request, context))
  if (resumed) return resumed
  const failed = new Map<ChallengeType, string>()
  for (;;) {
    const order = await place(session, request)
    const pending: PendingOrder = { url: order.url, key: await newAcmeKey(request.key), names: request.names }
    await context.pending.save(pending)
    const failure = await prove(session, order.url, { request, context, failed })
    if (failure === undefined) return finish(session, pending, request, context)
    // The order is void; a new one may use another kind of challenge (RFC 8555 §7.1.6).
    failed.set(failure.type, failure.words)
  }
}

async function place(session: AcmeSession, request: CertificateRequest): Promise<AcmeOrder> {
  try {
    return await session.order(request)
  } catch (error) {
    // `replaces` was replaced already, or is unknown to this CA: then order without it (RFC 9773 §5).
    const { replaces, ...rest } = request
    if (replaces === undefined || !(error instanceof AcmeFailure) || error.kind !== 'refused') throw error
    return session.order(rest)
  }
}

/** Undefined: the order is of no use any more. */
async function resume(
  session: AcmeSession,
  begun: PendingOrder,
  request: CertificateRequest,
  context: OrderContext,
): Promise<AcmePair | undefined> {
  try {
    // The config may have changed since.
    const isSame = isDeepStrictEqual(begun.names, request.names)
    const { status } = isSame ? await session.look(begun.url) : { status: 'other' }
    if (status === 'ready' || status === 'processing' || status === 'valid')
      return await finish(session, begun, request, context)
  } catch (error) {
    if (error instanceof AcmeFailure && error.kind !== 'refused') throw error
  }
  await context.pending.clear()
  return undefined
}

interface Proving {
  readonly request: CertificateRequest
  readonly context: OrderContext
  /** What failed before, with the CA's message. */
  readonly failed: ReadonlyMap<ChallengeType, string>
}

/** Undefined: all names are proved. */
async function prove(session: AcmeSession, url: string, proving: Proving) {
  const { presenter, signal } = proving.context
  const open = (await session.authorizations(url)).filter(({ status }) => status !== 'valid')
  const shown: { withdraw(): Promise<void> }[] = []
  try {
    for (const authorization of open) {
      const type = choose(authorization, proving)
      const challenge = { name: authorization.name, ...(await authorization.challenge(type)) }
      shown.push({ withdraw: () => presenter.withdraw(challenge) })
      await presenter.present(challenge)
      await authorization.begin(type)
    }
    const proved = () => session.authorizations(url)
    const ended = await until(
      proved,
      (all) => all.every(isOver) || all.some(({ status }) => status === 'invalid'),
      signal,
    )
    const bad = ended.find(({ status }) => status !== 'valid')
    if (!bad) return undefined
    return { type: choose(bad, proving), words: `${bad.name}: ${bad.failure ?? `the authorization is ${bad.status}`}` }
  } finally {
    await Promise.all(shown.map(({ withdraw }) => withdraw()))
  }
}

const isOver = ({ status }: AcmeAuthorization) => status !== 'pending' && status !== 'processing'

function choose({ name, wildcard, offers }: AcmeAuthorization, { request, failed }: Proving): ChallengeType {
  const possible = request.challenges.filter((type) => offers.includes(type) && (!wildcard || type === 'dns-01'))
  const next = possible.find((type) => !failed.has(type))
  if (next !== undefined) return next
  const subject = wildcard ? `*.${name}` : name
  if (possible.length === 0)
    throw new Error(
      `no challenge for ${subject}: the CA offers ${offers.join(', ')}${wildcard ? ', and a wildcard needs dns-01' : ''}; \`challenges\` allows ${request.challenges.join(', ')}`,
    )
  throw new Error(possible.map((type) => `${type}: ${failed.get(type)}`).join('; '))
}

async function finish(
  session: AcmeSession,
  { url, key }: PendingOrder,
  request: CertificateRequest,
  { signal }: OrderContext,
): Promise<AcmePair> {
  const settled = ({ status }: AcmeOrder) => status !== 'pending' && status !== 'processing'
  const look = () => session.look(url)
  const ready = await until(look, settled, signal)
  if (ready.status === 'ready') await session.finalize(url, request.names, key)
  const order = await until(look, (one) => settled(one) && one.status !== 'ready', signal)
  if (order.status !== 'valid')
    throw new Error(`the order became ${order.status}: ${order.failure ?? 'no reason was given'}`)
  return { certificate: await session.certificate(url, request.preferredChain), key }
}

/** Polls with growing pauses; rejects after five minutes. */
async function until<T>(look: () => Promise<T>, enough: (found: T) => boolean, signal: AbortSignal): Promise<T> {
  const deadline = performance.now() + patience
  for (let wait = pollPause.first; ; wait = Math.min(wait * 1.5, pollPause.longest)) {
    const found = await look()
    if (enough(found)) return found
    if (performance.now() > deadline) throw new Error(`the CA did not decide within ${patience / 60_000} minutes`)
    await pause(wait, undefined, { signal })
  }
}
