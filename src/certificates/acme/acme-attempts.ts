/** The attempts to get one certificate from one ACME server: when the next one is due, and what became of the last. */

import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import type { RenewalStatus } from '../certificate-source.ts'
import { type IssuedCertificate, lifeOf } from '../pem.ts'
import { dueAt, isEmergency, retryPause } from '../renewal.ts'
import type { AcmeIssuer } from './acme-issuer.ts'
import { AcmeFailure } from './acme-transport.ts'
import type { RenewalAdvice } from './ari.ts'

export interface AcmeAttemptsOptions {
  readonly domains: readonly string[]
  readonly issuer: AcmeIssuer
  readonly log: Log
  /** Something has changed that deserves a look. */
  readonly changed: () => void
}

/** So many failures in a row, and the staging server is asked first, whose limits do not hurt. */
const failuresBeforeRehearsal = 3
/** What the CA says of the time is asked for again after so long if it could not be had. */
const adviceRetry: Milliseconds = 3_600_000

export class AcmeAttempts {
  readonly #options: AcmeAttemptsOptions
  readonly #over = new AbortController()
  #failures = 0
  #lastError: string | undefined
  #next = 0
  #running: Promise<void> | undefined
  #advice: { readonly of: string; readonly given?: RenewalAdvice; readonly askAt: Milliseconds } | undefined

  constructor(options: AcmeAttemptsOptions) {
    this.#options = options
  }

  get underWay(): boolean {
    return this.#running !== undefined
  }

  /** The last attempt failed, and the next one must wait. */
  get failing(): boolean {
    return this.#failures > 0 && Date.now() < this.#next
  }

  status(current: IssuedCertificate | undefined): RenewalStatus {
    return {
      ...(current && { due: this.#dueAt(current) }),
      advised: current !== undefined && this.#window(current) !== undefined,
      failures: this.#failures,
      ...(this.#lastError !== undefined && { lastError: this.#lastError }),
      ...(this.failing && { nextAttempt: this.#next }),
      underWay: this.underWay,
    }
  }

  /** Whether `current` is to be replaced now; nothing at all always is. */
  isDue(current: IssuedCertificate | undefined): boolean {
    return current === undefined || Date.now() >= this.#dueAt(current)
  }

  inEmergency(current: IssuedCertificate): boolean {
    return isEmergency(lifeOf(current), Date.now())
  }

  /** Begins an attempt unless one is under way or must wait; does not wait for it. */
  begin(current: IssuedCertificate | undefined): void {
    if (this.underWay || this.failing || this.#over.signal.aborted) return
    void this.#attempt(current, (stored) => !this.isDue(stored))
  }

  /** An attempt that somebody asked for, whether it is due or not. Rejects with the reason if it fails. */
  async now(current: IssuedCertificate | undefined): Promise<IssuedCertificate> {
    await this.#running
    const before = current?.certificate
    const made = await this.#attempt(current, ({ certificate }) => certificate !== before)
    if (made) return made
    throw new Error(this.#lastError ?? 'another Gatehouse is at it, on the same storage')
  }

  /** Asks the CA, now and then, when it wants the certificate renewed. Never rejects. */
  async seekAdvice(current: IssuedCertificate): Promise<void> {
    const { certificate } = current
    const known = this.#advice?.of === certificate ? this.#advice : undefined
    if (known && Date.now() < known.askAt) return
    this.#advice = { ...known, of: certificate, askAt: Date.now() + adviceRetry }
    try {
      const given = await this.#options.issuer.advice(certificate)
      if (!given) return
      const { window } = given
      if (window.explanation !== undefined && window.explanation !== known?.given?.window.explanation)
        this.#options.log.warn(`the CA wants the certificate for ${this.#names} replaced: ${window.explanation}`)
      this.#advice = { of: certificate, given, askAt: Date.now() + given.askAgain }
      this.#options.changed()
    } catch {
      // A CA that gives no advice is no reason for alarm: the life of the certificate decides.
    }
  }

  close(): void {
    this.#over.abort()
  }

  get #names(): string {
    return this.#options.domains.join(', ')
  }

  #window(current: IssuedCertificate) {
    return this.#advice?.of === current.certificate ? this.#advice.given?.window : undefined
  }

  #dueAt(current: IssuedCertificate): Milliseconds {
    return dueAt(lifeOf(current), current.random, this.#window(current))
  }

  #attempt(
    current: IssuedCertificate | undefined,
    enough: (stored: IssuedCertificate) => boolean,
  ): Promise<IssuedCertificate | undefined> {
    const result = this.#try(current, enough)
    const failuresBefore = this.#failures
    this.#running = result.then((made) => {
      this.#running = undefined
      // While another replica is at it nothing has changed: a look at once would try the lock again, and so on, without a pause.
      if (made || this.#failures > failuresBefore) this.#options.changed()
    })
    return result
  }

  async #try(current: IssuedCertificate | undefined, enough: (stored: IssuedCertificate) => boolean) {
    const { domains, issuer, log } = this.#options
    const { signal } = this.#over
    try {
      if (this.#failures >= failuresBeforeRehearsal) await issuer.rehearse(domains, signal).catch(explainRehearsal)
      const issued = await issuer.issue(domains, { ...(current && { replaces: current }), enough, signal })
      if (!issued) return undefined
      const again = this.#failures === 0 ? '' : ` after ${this.#failures} failures`
      log.info(`certificate for ${this.#names} from ${issuer.host}${again}, until ${issued.notAfter.toISOString()}`)
      this.#failures = 0
      this.#lastError = undefined
      return issued
    } catch (error) {
      if (!signal.aborted) this.#failed(error, current)
      return undefined
    }
  }

  #failed(error: unknown, current: IssuedCertificate | undefined): void {
    const { issuer, log } = this.#options
    this.#failures += 1
    this.#lastError = messageOf(error)
    const cause = error instanceof RehearsalFailure ? error.cause : error
    const retryAfter = cause instanceof AcmeFailure ? cause.retryAfter : undefined
    const now = Date.now()
    const pause = retryPause({
      failures: this.#failures,
      ...(retryAfter !== undefined && { retryAfter }),
      ...(current && { life: lifeOf(current) }),
      now,
      random: Math.random(),
    })
    this.#next = now + pause
    const times = this.#failures === 1 ? '' : ` (${this.#failures} failures in a row)`
    log.error(
      `no certificate for ${this.#names} from ${issuer.host}: ${this.#lastError}; next attempt in ${formatDuration(pause)}${times}`,
      { failures: this.#failures },
    )
  }
}

class RehearsalFailure extends Error {}

function explainRehearsal(error: unknown): never {
  const words = `the staging server was tried first, after so many failures: ${messageOf(error)}`
  throw new RehearsalFailure(words, { cause: error })
}
