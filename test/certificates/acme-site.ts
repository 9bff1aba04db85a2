import type { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach } from 'vitest'
import { createPresenter } from '../../src/app/challenge-presenter.ts'
import type { GatewayWorkers } from '../../src/app/workers/workers.ts'
import { type AcmeAccount, type AcmeSession, newAcmeKey, openAcme } from '../../src/certificates/acme/acme.ts'
import type { AcmePair, OrderContext, PendingOrder } from '../../src/certificates/acme/acme-order.ts'
import { createTransport } from '../../src/certificates/acme/acme-transport.ts'
import type { ChallengePresenter } from '../../src/certificates/certificate-source.ts'
import type { ServedChallenge } from '../../src/shared/served.ts'
import { silentWorkers } from '../app/silent-workers.ts'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { certificate, listener, planOf } from '../gateway/support.ts'
import { type Pebble, type PebbleOptions, startPebble } from './pebble.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

export interface Site {
  readonly pebble: Pebble
  readonly shown: ServedChallenge[]
  readonly context: OrderContext
  /** Kinds that are not shown, as where a port cannot be reached. */
  readonly broken: Set<ServedChallenge['type']>
  open(account?: AcmeAccount): Promise<AcmeSession>
  /** Serves it with both threads, and returns what a client that asks for this host accepted. */
  serve(pair: AcmePair, host: string): Promise<X509Certificate>
}

type SiteOptions = Partial<PebbleOptions> & { readonly bindsAccount?: false }

/** An ACME server, and two gateway threads that show it what it looks for and serve what it issues. */
export async function site(options: SiteOptions = {}): Promise<Site> {
  const base = await startBase(options)
  ends.push(base.end)
  return siteOn(base, options)
}

let shared: Promise<Base> | undefined
afterAll(async () => (await shared)?.end())

/** The same, on a server and threads that all tests of the file share: starting them costs more than most tests do. */
export async function sharedSite(): Promise<Site> {
  shared ??= startBase({})
  return siteOn(await shared, {})
}

interface Base {
  readonly pebble: Pebble
  readonly workers: GatewayWorkers
  readonly tlsPort: number
  end(): Promise<void>
}

async function startBase(options: SiteOptions): Promise<Base> {
  const [httpPort = 0, tlsPort = 0] = await freePorts(2)
  const pebble = await startPebble({ httpPort, tlsPort, ...options })
  const workers = await twoThreads(httpPort, tlsPort)
  const end = async () => {
    await workers.drain(0)
    await pebble.stop()
  }
  return { pebble, workers, tlsPort, end }
}

async function siteOn({ pebble, workers, tlsPort }: Base, options: SiteOptions): Promise<Site> {
  const storage = mkdtempSync(join(tmpdir(), 'gatehouse-site-'))
  ends.push(() => rmSync(storage, { recursive: true }))
  const shown: ServedChallenge[] = []
  const broken = new Set<ServedChallenge['type']>()
  const byThreads = createPresenter(() => workers, storage)
  const presenter: ChallengePresenter = {
    async present(challenge) {
      shown.push(challenge)
      if (broken.has(challenge.type)) return
      if (challenge.type === 'dns-01') await pebble.dns.setTxt(`_acme-challenge.${challenge.name}.`, challenge.proof)
      else await byThreads.present(challenge)
    },
    withdraw: (challenge) => byThreads.withdraw(challenge),
  }
  let kept: PendingOrder | undefined
  const context = {
    presenter,
    signal: AbortSignal.timeout(60_000),
    pending: {
      load: async () => kept,
      async save(order: PendingOrder) {
        kept = order
      },
      async clear() {
        kept = undefined
      },
    },
  }
  const transport = createTransport(readFileSync(pebble.trust, 'utf8'))
  const key = await newAcmeKey()
  return {
    pebble,
    shown,
    context,
    broken,
    async serve(pair, host) {
      workers.setCertificates([{ names: [host], ...pair, anyName: true }])
      await workers.setChallenges([]) // threads handle messages in order
      return acceptedCertificate(tlsPort, await pebble.roots(), host)
    },
    open: (account = { key }) => openAcme({ directory: pebble.directory, transport, account, ...external(options) }),
  }
}

function external({ externalAccounts, bindsAccount }: SiteOptions) {
  if (bindsAccount === false) return undefined
  const [first] = Object.entries(externalAccounts ?? {})
  return first && { externalAccount: { keyId: first[0], hmac: first[1] } }
}

async function twoThreads(httpPort: number, tlsPort: number): Promise<GatewayWorkers> {
  const workers = silentWorkers()
  const plan = planOf({ routes: [], threads: 2 }, [listener('http', httpPort), listener('https', tlsPort, true)])
  await workers.apply({ plan: { ...plan, accessLog: false }, certificates: [certificate] })
  return workers
}
