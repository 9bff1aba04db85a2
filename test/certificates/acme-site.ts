import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { Server } from 'node:net'
import { createSecureContext, createServer as createTlsServer } from 'node:tls'
import { afterEach } from 'vitest'
import { type AcmeAccount, type AcmeSession, newAcmeKey, openAcme } from '../../src/certificates/issuer/acme.ts'
import type { AcmeDesk, PendingOrder } from '../../src/certificates/issuer/acme-order.ts'
import { createTransport } from '../../src/certificates/issuer/acme-transport.ts'
import type { ChallengePresenter, PresentedChallenge } from '../../src/certificates/ports.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Pebble, type PebbleOptions, startPebble } from './pebble.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

export interface Site {
  readonly pebble: Pebble
  readonly shown: PresentedChallenge[]
  readonly desk: AcmeDesk
  /** Kinds that are not shown, as where a port cannot be reached. */
  readonly broken: Set<PresentedChallenge['type']>
  open(account?: AcmeAccount): Promise<AcmeSession>
}

/** An ACME server, and somebody who shows it what it looks for. */
export async function site(options: Partial<PebbleOptions> & { readonly bindsAccount?: false } = {}): Promise<Site> {
  const [httpPort = 0, tlsPort = 0] = await freePorts(2)
  const pebble = await startPebble({ httpPort, tlsPort, ...options })
  ends.push(() => pebble.stop())
  const shown: PresentedChallenge[] = []
  const broken = new Set<PresentedChallenge['type']>()
  const up = new Map<string, PresentedChallenge>()
  const presenter: ChallengePresenter = {
    async present(challenge) {
      shown.push(challenge)
      if (broken.has(challenge.type)) return
      up.set(challenge.token, challenge)
      if (challenge.type === 'dns-01') await pebble.dns.setTxt(`_acme-challenge.${challenge.name}.`, challenge.proof)
    },
    async withdraw({ token }) {
      up.delete(token)
    },
  }
  const web = createHttpServer(({ url }, response) => {
    const challenge = up.get(url?.split('/').at(-1) ?? '')
    response.writeHead(challenge ? 200 : 404).end(challenge?.proof)
  })
  await listening(web, httpPort)
  const door = createTlsServer({
    ALPNProtocols: ['acme-tls/1'],
    SNICallback(name, done) {
      const pair = [...up.values()].find((one) => one.name === name)?.pair
      done(null, pair && createSecureContext({ cert: pair.certificate, key: pair.key }))
    },
  })
  await listening(door, tlsPort)
  let kept: PendingOrder | undefined
  const desk = {
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
    desk,
    broken,
    open: (account = { key }) => openAcme({ directory: pebble.directory, transport, account, ...external(options) }),
  }
}

function external({ externalAccounts, bindsAccount }: Parameters<typeof site>[0] = {}) {
  if (bindsAccount === false) return undefined
  const [first] = Object.entries(externalAccounts ?? {})
  return first && { externalAccount: { keyId: first[0], hmac: first[1] } }
}

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  ends.push(() => new Promise((resolve) => server.close(resolve)))
}
