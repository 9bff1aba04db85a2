/**
 * Answers ACME servers that validate a name: with a text over HTTP (RFC 8555 §8.3) or a certificate over TLS (RFC
 * 8737).
 */

import { createSecureContext, type SecureContext } from 'node:tls'
import { readProof } from '../../../shared/files/challenge-files.ts'
import { createDiskLane } from '../../../shared/files/disk-lane.ts'
import type { ServedChallenge } from '../../../shared/served.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import { setTimeout } from '../../../shared/time/timer.ts'
import type { Exchange } from '../../request/exchange.ts'
import { sendText } from '../../response/respond.ts'
import { tlsFloor } from './sni.ts'

/** The ALPN protocol that only ACME servers ask for (RFC 8737 §6.2). */
export const acmeProtocol = 'acme-tls/1'

const pathPrefix = '/.well-known/acme-challenge/'

/** A local disk takes a thousandth of it; ACME servers retry. */
const readTimeout: Milliseconds = 2_000

export class Challenges {
  #proofs: ReadonlyMap<string, string> = new Map()
  #contexts: ReadonlyMap<string, SecureContext> = new Map()
  #folder: string | undefined
  /** Anyone may request tokens: if the storage hangs, requests must not use up the thread pool. */
  readonly #lane = createDiskLane()

  /** Replaces all challenges. */
  set(challenges: readonly ServedChallenge[]): void {
    this.#proofs = new Map(
      challenges.flatMap(({ type, token, proof }) => (type === 'http-01' ? [[token, proof] as const] : [])),
    )
    this.#contexts = new Map(
      challenges.flatMap(({ name, pair }) =>
        pair
          ? [[sniOf(name), createSecureContext({ cert: pair.certificate, key: pair.key, ...tlsFloor })] as const]
          : [],
      ),
    )
  }

  /** Absolute path of the folder with the challenges of other replicas, if there is one. */
  setFolder(folder: string | undefined): void {
    this.#folder = folder
  }

  /**
   * Answers before routes and guards; unknown tokens are left to the routes, behind which another ACME client may run.
   */
  answer(exchange: Exchange, otherwise: () => void): void {
    const token = tokenAskedFor(exchange)
    const proof = token === undefined ? undefined : this.#proofs.get(token)
    if (proof !== undefined) show(exchange, proof)
    else if (token === undefined || this.#folder === undefined) otherwise()
    else
      void this.#read(this.#folder, token, exchange).then((found) => {
        if (exchange.over) return
        if (found === undefined) otherwise()
        else show(exchange, found)
      })
  }

  /** Undefined also if the storage does not answer in time. Never rejects. */
  #read(folder: string, token: string, exchange: Exchange): Promise<string | undefined> {
    return new Promise((done) => {
      let timedOut = false
      const timer = setTimeout(() => {
        timedOut = true
        done(undefined)
      }, readTimeout)
      void this.#lane(async () => (timedOut || exchange.over ? undefined : readProof(folder, token))).then((found) => {
        clearTimeout(timer)
        done(found)
      })
    })
  }

  /** For the name in a handshake. */
  contextFor(name: string): SecureContext | undefined {
    return this.#contexts.get(name.toLowerCase())
  }
}

function tokenAskedFor({ request: { method }, target: { canonical, key } }: Exchange): string | undefined {
  if (!key.startsWith(pathPrefix) || (method !== 'GET' && method !== 'HEAD')) return undefined
  return canonical.slice(pathPrefix.length)
}

function show(exchange: Exchange, proof: string): void {
  sendText(exchange, 200, proof, ['cache-control', 'no-store'])
}

/** For an address, SNI holds its name in the reverse DNS (RFC 8738 §6). */
function sniOf(name: string): string {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(name)) return `${name.split('.').reverse().join('.')}.in-addr.arpa`
  if (!name.includes(':')) return name
  const [head = '', tail] = name.split('::')
  const groups = (text = '') => (text === '' ? [] : text.split(':'))
  const missing = 8 - groups(head).length - groups(tail).length
  const all = tail === undefined ? groups(head) : [...groups(head), ...Array(missing).fill('0'), ...groups(tail)]
  const digits = all.map((group) => group.padStart(4, '0')).join('')
  return `${[...digits].reverse().join('.')}.ip6.arpa`
}
