/**
 * A real ACME server (Pebble) with a DNS server of its own, on loopback. Debian's is enough for most; the newest, from the Go
 * module proxy, also knows renewal information and profiles (test/full).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { makeLeaf, makeRoot } from '../../src/certificates/ca/internal.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { part } from '../parts.ts'

export interface PebbleOptions {
  /** Where it looks for http-01 and tls-alpn-01, on 127.0.0.1. */
  readonly httpPort: number
  readonly tlsPort: number
  /** Of certificates, in seconds. Default: 90 days. */
  readonly validity?: number
  /** How many of 100 nonces it refuses. Default: 0. */
  readonly badNonces?: number
  /** Key id → HMAC key (base64url). Then no account is made without one of them. */
  readonly externalAccounts?: Readonly<Record<string, string>>
  /** How many chains it offers beside the default one. */
  readonly alternateRoots?: number
  /** Absolute path of another build than Debian's. */
  readonly program?: string
  /** Merged into its configuration. */
  readonly more?: Readonly<Record<string, unknown>>
}

export interface Pebble {
  /** URL of the ACME directory. */
  readonly directory: string
  /** PEM file with the CA that signed the directory's own certificate. */
  readonly trust: string
  /** PEM of the roots that sign what it issues: the default first, then the alternates. */
  roots(): Promise<readonly string[]>
  /** Every line that it wrote, growing: each order, challenge and refusal is there. */
  readonly lines: readonly string[]
  readonly dns: {
    /** `address:port` of the DNS server: every name has the address 127.0.0.1. */
    readonly address: string
    /** Sets the TXT record of this name (`_acme-challenge.example.test.`). */
    setTxt(name: string, value: string): Promise<void>
    clearTxt(name: string): Promise<void>
    /** Base URL of the API that does it, for hooks: POST /set-txt, /clear-txt. */
    readonly management: string
  }
  /** Ends the ACME server and starts it again on the same ports, without its memory: accounts and orders are gone. */
  restart(): Promise<void>
  pause(): void
  resume(): void
  stop(): Promise<void>
}

const startLimit = 10_000

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const program = options.program ?? part('pebble')
  const dnsProgram = part('pebble-challtestsrv')
  if (program === undefined || dnsProgram === undefined) throw new Error('pebble is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pebble-'))
  const [api = 0, management = 0, dns = 0, dnsManagement = 0] = await freePorts(4)
  const trust = join(folder, 'trust.pem')
  await writeConfiguration({ folder, api, management, options })

  const lines: string[] = []
  const resolver = start(dnsProgram, [
    ...['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${dnsManagement}`],
    // Addresses of every name; no IPv6, on which nothing listens.
    ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', ''],
  ])
  const env = {
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_AUTHZREUSE: '0',
    PEBBLE_WFE_NONCEREJECT: String(options.badNonces ?? 0),
    ...(options.alternateRoots && { PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots) }),
  }
  const startServer = async () => {
    const words = ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`, '-strict=false']
    const child = start(program, words, { env, lines })
    await answering(`https://127.0.0.1:${api}/dir`, readFileSync(trust, 'utf8'), child)
    return child
  }
  // Its DNS first: a server that asked it too early would wait for seconds.
  await listening(dnsManagement, resolver)
  let server = await startServer()
  const manage = async (path: string, body: unknown) => {
    const { ok, status } = await fetch(`http://127.0.0.1:${dnsManagement}${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    if (!ok) throw new Error(`${path} answered ${status}`)
  }
  return {
    directory: `https://127.0.0.1:${api}/dir`,
    trust,
    lines,
    async roots() {
      const count = 1 + (options.alternateRoots ?? 0)
      const urls = Array.from({ length: count }, (_, index) => `https://127.0.0.1:${management}/roots/${index}`)
      return Promise.all(urls.map(async (url) => (await ask(url, readFileSync(trust, 'utf8'))) ?? ''))
    },
    dns: {
      address: `127.0.0.1:${dns}`,
      management: `http://127.0.0.1:${dnsManagement}`,
      setTxt: (host, value) => manage('/set-txt', { host, value }),
      clearTxt: (host) => manage('/clear-txt', { host }),
    },
    async restart() {
      await end(server)
      server = await startServer()
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async stop() {
      await Promise.all([end(server), end(resolver)])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Configuration {
  readonly folder: string
  readonly api: number
  readonly management: number
  readonly options: PebbleOptions
}

async function writeConfiguration({ folder, api, management, options }: Configuration): Promise<void> {
  const root = await makeRoot()
  const leaf = await makeLeaf(root, ['localhost', '127.0.0.1'])
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 })
    return join(folder, name)
  }
  file('trust.pem', root.certificate)
  const { validity, externalAccounts } = options
  const pebble = {
    listenAddress: `127.0.0.1:${api}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: file('api.pem', leaf.certificate),
    privateKey: file('api.key', leaf.key),
    httpPort: options.httpPort,
    tlsPort: options.tlsPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: externalAccounts !== undefined,
    ...(externalAccounts && { externalAccountMACKeys: externalAccounts }),
    // Newer ones have it in their profiles.
    ...(validity !== undefined && {
      certificateValidityPeriod: validity,
      profiles: { default: { description: 'The default profile', validityPeriod: validity } },
    }),
    ...options.more,
  }
  file('pebble.json', JSON.stringify({ pebble }))
}

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>
  readonly lines?: string[]
}

function start(program: string, words: readonly string[], { env, lines }: Surroundings = {}): ChildProcess {
  const child = spawn(program, words, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => lines?.push(...chunk.split('\n').filter(Boolean)))
  return child
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

/** Until it answers; rejects if it ends first. */
async function answering(url: string, ca: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + startLimit
  while ((await ask(url, ca)) === undefined) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${child.spawnfile} did not start`)
    await pause(20)
  }
}

/** The body, or undefined if there is no answer. */
function ask(url: string, ca: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    get(url, { ca, agent: false }, (response) => resolve(text(response))).once('error', () => resolve(undefined))
  })
}

/** Until a connection is accepted; rejects if the program ends first. */
async function listening(port: number, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + startLimit
  const accepts = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
  while (!(await accepts())) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error(`${child.spawnfile} did not start`)
    await pause(20)
  }
}
