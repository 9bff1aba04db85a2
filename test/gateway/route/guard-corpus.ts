/**
 * Spellings of guarded paths × guards × readers as upstream, over h1, h2 and as upgrades: no client sees a secret
 * without a password. And what is not guarded is served as its reader serves it.
 */
import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTargetPath } from '../../../src/gateway/request/target-path.ts'
import type { GuardsPlan } from '../../../src/plan/model/plan.ts'
import { h2Session, text } from '../clients.ts'
import {
  cleanUp,
  host,
  proxyTo,
  type RouteOptions,
  type RunningGateway,
  startGateway,
  temporaryFolder,
} from '../support.ts'
import { upstream } from '../upstreams.ts'
import { type Reader, readers } from './readers.ts'
import { guardedPatterns, siteFiles, spellings } from './spellings.ts'

interface PlanContext {
  readonly site: string
  readonly path: string
  readonly password?: string
}

interface Seen {
  readonly status: number
  readonly body: string
}

const ways = ['h1', 'h2', 'upgrade'] as const

const everyone = ['0.0.0.0/0', '::/0']
const plainGuards: Readonly<Record<string, Partial<GuardsPlan>>> = {
  basic: { auth: { kind: 'basic', users: ['ann'] } },
  allow: { addresses: [{ allow: ['192.0.2.1/32'] }] },
  deny: { addresses: [{ deny: everyone }] },
}

/** The routes of one site, each by its own name. */
function siteRoutes(site: string, routes: readonly RouteOptions[]): readonly RouteOptions[] {
  return routes.map((route) => ({ ...route, match: { ...route.match, hosts: [`${site}.${host}`] } }))
}

function sitesFor(
  handler: RouteOptions,
  guards: Readonly<Record<string, Partial<GuardsPlan>>>,
): readonly RouteOptions[] {
  const below = (prefix: string) =>
    guardedPatterns.map((pattern) => (pattern.startsWith('/') ? prefix + pattern : pattern))
  const rewrite = { stripPrefix: '/app' }
  return [
    ...Object.entries(guards).flatMap(([name, own]) =>
      siteRoutes(name, [{ ...handler, match: { paths: guardedPatterns }, guards: own }, handler]),
    ),
    ...siteRoutes('inverse', [
      { ...handler, match: { paths: ['/public/*', '/x/*', '/host/*', '*.css'] } },
      { ...handler, guards: guards.basic ?? {} },
    ]),
    ...siteRoutes('stripped', [
      { ...handler, match: { paths: below('/app') }, guards: guards.basic ?? {}, rewrite },
      { ...handler, match: { paths: ['/app/*'] }, rewrite },
    ]),
    ...siteRoutes('rewritten', [
      { ...handler, match: { paths: guardedPatterns }, guards: guards.basic ?? {}, rewrite: { path: '/./{path}' } },
      { ...handler, rewrite: { path: '/./{path}' } },
    ]),
    ...siteRoutes('keeping', [
      { ...handler, match: { paths: guardedPatterns }, guards: guards.basic ?? {} },
      { ...handler, encodedSlashes: 'keep' },
    ]),
    ...siteRoutes('open', [handler]),
  ]
}

class Client {
  readonly #gateway: RunningGateway
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })
  readonly #session: ClientHttp2Session

  constructor(gateway: RunningGateway) {
    this.#gateway = gateway
    this.#session = h2Session(gateway)
  }

  ask(way: (typeof ways)[number], asked: PlanContext): Promise<Seen> {
    return way === 'h2' ? this.#askH2(asked) : this.#askH1(asked, way === 'upgrade')
  }

  async #askH1({ site, path, password }: PlanContext, upgrade: boolean): Promise<Seen> {
    const headers = {
      host: `${site}.${host}`,
      ...(password !== undefined && { authorization: password }),
      ...(upgrade && {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'x',
      }),
    }
    const agent = upgrade ? false : this.#agent
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port: this.#gateway.http, path, headers, agent }, resolve)
        .once('error', reject)
        .end()
    })
    return { status: answer.statusCode ?? 0, body: await text(answer) }
  }

  async #askH2({ site, path, password }: PlanContext): Promise<Seen> {
    const stream = this.#session.request({
      ':path': path,
      ':authority': `${site}.${host}`,
      ...(password !== undefined && { authorization: password }),
    })
    let status = 0
    stream.on('response', (headers) => {
      status = Number(headers[':status'])
    })
    return { body: await text(stream), status }
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** So many at a time. */
async function forEach<T>(all: readonly T[], act: (one: T) => Promise<void>): Promise<void> {
  const left = all.values()
  await Promise.all(
    Array.from({ length: 12 }, async () => {
      for (const one of left) await act(one)
    }),
  )
}

/** A server that hangs up has shown nothing. */
async function askDirectly(port: number, path: string): Promise<Seen> {
  const answer = await new Promise<IncomingMessage | undefined>((resolve) => {
    httpRequest({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, resolve)
      .once('error', () => resolve(undefined))
      .end()
  })
  return answer ? { status: answer.statusCode ?? 0, body: await text(answer) } : { status: 0, body: '' }
}

const isSecret = ({ body }: Seen) => body.includes('TOPSECRET')
const password = `Basic ${Buffer.from('ann:pw').toString('base64')}`

interface Served {
  readonly client: Client
  readonly sites: readonly string[]
}

async function serve(handler: RouteOptions, authService: number): Promise<Served> {
  const forward: Partial<GuardsPlan> = {
    auth: { kind: 'forward', url: `http://127.0.0.1:${authService}/`, copy: [], timeout: 5_000 },
  }
  const routes = sitesFor(handler, { ...plainGuards, forward })
  const gateway = await startGateway({ routes, users: { ann: createHash('sha256').update('pw').digest('hex') } })
  const sites = new Set(routes.flatMap(({ match }) => match?.hosts ?? []))
  sites.delete(`open.${host}`)
  return { client: new Client(gateway), sites: [...sites].map((name) => name.slice(0, -host.length - 1)) }
}

const filesReader: Reader = { name: 'Gatehouse itself', open: () => Promise.resolve(0) }

/** Dot segments were resolved, and slashes at the beginning are one, before any reader sees them. */
const resolvedBefore = /^\/\/|\/(?:\.|%2e){1,2}(?:\/|$)/i

/**
 * `every`: each spelling is tried in each way on each site. Else in each way, but on one site each, so that all pairs
 * of a spelling and a site are tried with one reader or another.
 */
export function describeGuardCorpus(every: boolean): void {
  let root: string
  let authService: number
  beforeAll(async () => {
    root = join(await temporaryFolder(), 'root')
    for (const [name, content] of Object.entries(siteFiles)) {
      await mkdir(dirname(join(root, name)), { recursive: true })
      await writeFile(join(root, name), content)
    }
    const service = await upstream((request, response) => {
      response.writeHead(request.headers.authorization === password ? 200 : 401).end()
    })
    authService = service.port
  })
  afterAll(cleanUp)

  it('has 150 spellings and more', () => {
    expect(spellings.length).toBeGreaterThan(150)
  })

  const all = [filesReader, ...readers].map((reader, index) => [reader.name, reader, index] as const)
  describe.each(all)('%s', (_name, reader, turn) => {
    const itself = reader === filesReader
    let port: number
    let client: Client
    let sites: readonly string[]
    beforeAll(async () => {
      if (reader.missing) return
      port = await reader.open(root)
      const handler: RouteOptions = itself ? { kind: 'files', root, existingOnly: false, except: [] } : proxyTo(port)
      ;({ client, sites } = await serve(handler, authService))
    }, 60_000)
    afterAll(() => client?.close())

    it.skipIf(reader.missing)(
      'shows no secret to anybody without a password',
      async () => {
        const seen: string[] = []
        const asked = sites.flatMap((site, index) =>
          spellings.flatMap((spelling, row) =>
            ways
              .filter((_, way) => every || (row + way * 3 + turn) % sites.length === index)
              .map((way) => ({ way, site, path: site === 'stripped' ? `/app${spelling}` : spelling })),
          ),
        )
        await forEach(asked, async ({ way, ...asking }) => {
          if (isSecret(await client.ask(way, asking))) seen.push(`${way} ${asking.site} ${asking.path}`)
        })
        expect(seen).toEqual([])
      },
      every ? 300_000 : 60_000,
    )

    it.skipIf(reader.missing)(
      'shows it to those who have one, and serves what is open as it would by itself',
      async () => {
        expect(isSecret(await client.ask('h1', { site: 'basic', path: '/secret/key.txt', password }))).toBe(true)
        expect(isSecret(await client.ask('h2', { site: 'forward', path: '//secret/key.txt', password }))).toBe(true)
        expect((await client.ask('h1', { site: 'basic', path: '/public/file.txt' })).body).toBe('PUBLIC')
        if (itself) return
        const found: string[] = []
        const lost: string[] = []
        await forEach(spellings, async (path) => {
          const target = readTargetPath(path)
          // What climbs in one reading is refused, also where another reader stops at the root; of dots that only some
          // see the canonical reading is forwarded, which ends with a slash where they are the end.
          if (!target || (target.hiddenDots && (target.canonical.endsWith('/') || path.includes(';%2f')))) return
          if (resolvedBefore.test(path) || !isSecret(await askDirectly(port, path))) return
          found.push(path)
          if (!isSecret(await client.ask('h1', { site: 'open', path }))) lost.push(path)
        })
        expect(found.length).toBeGreaterThan(5)
        expect(lost).toEqual([])
      },
      60_000,
    )
  })
}
