/** The attempts to get one certificate from one ACME server: when the next one is due, and how the last one ended. */

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
  /** Called when the certificate or its status may have changed. */
  readonly changed: () => void
}

/** After this many failures in a row the staging server is tried first: its rate limits do not matter. */
const failuresBeforeStaging = 3
/** When to ask the CA again for renewal information that it did not give. */
const adviceRetry: Milliseconds = 3_600_000

export class AcmeAttempts {
  readonly #options: AcmeAttemptsOptions
  readonly #closed = new AbortController()
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

  /** The last attempt failed, and the next one has to wait. */
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

  /** Whether to get a certificate now: `current` is due, or there is none. */
  isDue(current: IssuedCertificate | undefined): boolean {
    return current === undefined || Date.now() >= this.#dueAt(current)
  }

  inEmergency(current: IssuedCertificate): boolean {
    return isEmergency(lifeOf(current), Date.now())
  }

  /** Starts an attempt unless one is under way or has to wait. */
  start(current: IssuedCertificate | undefined): void {
    if (this.underWay || this.failing || this.#closed.signal.aborted) return
    void this.#attempt(current, (stored) => !this.isDue(stored))
  }

  /** An attempt on request, due or not. Rejects with the reason if it fails. */
  async renewNow(current: IssuedCertificate | undefined): Promise<IssuedCertificate> {
    await this.#running
    const before = current?.certificate
    const made = await this.#attempt(current, ({ certificate }) => certificate !== before)
    if (made) return made
    throw new Error(this.#lastError ?? 'another gatehouse with the same storage is renewing it')
  }

  /** Asks the CA from time to time when it wants the certificate renewed. Never rejects. */
  async updateAdvice(current: IssuedCertificate): Promise<void> {
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
      // Not logged: without advice the lifetime of the certificate decides.
    }
  }

  close(): void {
    this.#closed.abort()
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
      // While another replica holds the lock nothing has changed: reacting at once would try the lock in a busy loop.
      if (made || this.#failures > failuresBefore) this.#options.changed()
    })
    return result
  }

  async #try(current: IssuedCertificate | undefined, enough: (stored: IssuedCertificate) => boolean) {
    const { domains, issuer, log } = this.#options
    const { signal } = this.#closed
    try {
      if (this.#failures >= failuresBeforeStaging) await issuer.tryStaging(domains, signal).catch(explainStaging)
      const issued = await issuer.issue(domains, { ...(current && { replaces: current }), enough, signal })
      if (!issued) return undefined
      const again = this.#failures === 0 ? '' : ` after ${this.#failures} failures`
      const until = issued.notAfter.toISOString()
      log.info(`obtained a certificate for ${this.#names} from ${issuer.host}${again}, valid until ${until}`)
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
    const cause = error instanceof StagingFailure ? error.cause : error
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

class StagingFailure extends Error {}

function explainStaging(error: unknown): never {
  throw new StagingFailure(`staging server, tried first after repeated failures: ${messageOf(error)}`, { cause: error })
}
