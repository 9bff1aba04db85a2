/** A CA that is away, fails or limits us: what serves goes on, we come back later and say so, and rehearse first. */
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createCertificates } from '../../../src/certificates/maintain.ts'
import { site } from '../../certificates/acme-site.ts'
import { certificatePlan, recordedLog, temporaryFolder } from '../../certificates/fixture.ts'
import { part } from '../../parts.ts'
import { type Instead, startTroubledCa, type TroubledCa } from './troubled-ca.ts'

const day = 86_400_000
const minute = 60_000
const name = 'app.example.test'

afterEach(() => {
  vi.useRealTimers()
})

/** A certificate from the CA that has come due; the clock and the looks are the test's. */
async function dueSoon() {
  const { pebble, context } = await site({ validity: (90 * day) / 1_000 })
  const production = await front()
  const staging = await front()
  async function front(): Promise<TroubledCa> {
    const one = await startTroubledCa(pebble)
    onTestFinished(() => one.close())
    return one
  }
  const storage = await temporaryFolder()
  const trust = join(storage, 'roots.pem')
  await writeFile(trust, readFileSync(production.trust, 'utf8') + readFileSync(staging.trust, 'utf8'))
  const log = recordedLog()
  const source = {
    kind: 'acme',
    directory: production.directory,
    staging: staging.directory,
    trust,
    challenges: ['http-01'],
    key: 'ecdsa-p256',
  } as const
  vi.useFakeTimers({ toFake: ['Date', 'setInterval', 'clearInterval'] })
  const plans = [certificatePlan([name], source)]
  const { presenter } = context
  const certificates = createCertificates({ plans, storage, log, presenter, runDnsHook: async () => {} })
  onTestFinished(() => certificates.close())
  await certificates.load()
  certificates.watch()
  const status = () => {
    const [one] = certificates.describe()
    if (!one?.renewal) throw new Error('it has no renewal')
    return { ...one, renewal: one.renewal }
  }
  await expect.poll(() => status().source, { timeout: 15_000 }).toBe('acme')
  const [first] = await certificates.load()
  vi.setSystemTime(Date.now() + 61 * day)
  /** Two seconds later; when it returns what was due has begun. */
  const look = async () => {
    vi.advanceTimersByTime(2_000)
    await certificates.load()
  }
  return {
    production,
    staging,
    log,
    status,
    first,
    look,
    served: async () => (await certificates.load())[0],
    /** At the time of the next attempt, and to its end. */
    async nextAttempt() {
      vi.setSystemTime(Math.max(Date.now(), status().renewal.nextAttempt ?? 0))
      await look()
      await expect.poll(() => status().renewal.underWay, { timeout: 20_000 }).toBe(false)
    },
  }
}

const orders = ({ requests }: TroubledCa) => requests.filter((one) => one === 'POST /order-plz').length
const fails: Instead = { status: 503, headers: { 'retry-after': '30' } }
const limits: Instead = {
  status: 429,
  headers: { 'retry-after': '7200', 'content-type': 'application/problem+json' },
  body: '{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many certificates for example.test"}',
}

interface Trouble {
  readonly what: string
  readonly begin: (ca: TroubledCa) => unknown
  readonly says: RegExp
  /** Milliseconds. */
  readonly pause: number
}

const troubles: readonly Trouble[] = [
  {
    what: 'is not there',
    begin: (ca) => ca.close(),
    says: /^the ACME server 127\.0\.0\.1:\d+ cannot be reached: /,
    pause: minute,
  },
  {
    what: 'fails',
    begin: (ca) => {
      ca.meddle = () => ({ status: 503 })
    },
    says: /^the ACME server 127\.0\.0\.1:\d+ failed with 503/,
    pause: minute,
  },
  {
    what: 'limits us and says until when',
    begin: (ca) => {
      ca.meddle = () => limits
    },
    says: /^rate limit of the ACME server 127\.0\.0\.1:\d+: too many certificates for example\.test$/,
    pause: 120 * minute,
  },
]

describe.skipIf(!part('pebble'))('a CA', () => {
  it.each(troubles)(
    'that $what is asked again later, said, and what it gave serves on',
    async (trouble) => {
      const { production, log, status, served, first, look, nextAttempt } = await dueSoon()
      await trouble.begin(production)
      await nextAttempt()
      const { renewal, ...rest } = status()
      expect(rest).toMatchObject({ source: 'acme', fallback: false, skipped: [] })
      expect(renewal).toMatchObject({ failures: 1, lastError: expect.stringMatching(trouble.says) })
      const pause = (renewal.nextAttempt ?? 0) - Date.now()
      expect(pause).toBeGreaterThanOrEqual(trouble.pause - 5_000)
      expect(pause).toBeLessThanOrEqual(trouble.pause * 1.2)
      expect(log.lines).toContainEqual(
        expect.stringMatching(
          /^error: no certificate for app\.example\.test from 127\.0\.0\.1:\d+: .+; next attempt in /,
        ),
      )
      await look()
      expect(status().renewal).toMatchObject({ underWay: false, failures: 1 })
      expect(await served()).toEqual(first)
    },
    60_000,
  )

  it('that fails again and again is rehearsed with at its staging server first, and believed when that works', async () => {
    const { production, staging, log, status, served, first, nextAttempt } = await dueSoon()
    production.meddle = () => fails
    const pauses: number[] = []
    for (let failures = 1; failures <= 3; failures += 1) {
      await nextAttempt()
      expect(status().renewal.failures).toBe(failures)
      pauses.push((status().renewal.nextAttempt ?? 0) - Date.now())
    }
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
    expect(staging.requests).toEqual([])

    production.meddle = () => undefined
    staging.meddle = () => limits
    await nextAttempt()
    expect(status().renewal).toMatchObject({
      failures: 4,
      lastError: expect.stringMatching(/^staging server, tried first after repeated failures: rate limit of /),
    })
    expect((status().renewal.nextAttempt ?? 0) - Date.now()).toBeGreaterThan(119 * minute)
    expect(orders(production)).toBe(1)
    expect(await served()).toEqual(first)

    staging.meddle = () => undefined
    // The CA's own clock was never set forward: by it the new certificate is not due again at once.
    const news = new Promise<string>((resolve) => {
      log.info = (message) => {
        vi.setSystemTime(performance.timeOrigin + performance.now())
        resolve(message)
      }
    })
    await nextAttempt()
    expect(await news).toMatch(
      /^obtained a certificate for app\.example\.test from 127\.0\.0\.1:\d+ after 4 failures, valid until /,
    )
    expect([orders(staging), orders(production)]).toEqual([1, 2])
    expect(await served()).not.toEqual(first)
  }, 60_000)
})
