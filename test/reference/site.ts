/**
 * What every reference deployment is tested with: the editor's files, info.json, a volume, and upstreams that say what they saw.
 * Nothing here knows which config file it is that serves them: see `Deployment`.
 */
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import type { Gatehouse } from '../e2e/support/gatehouse.ts'
import { makeUpstream } from './upstream.ts'

export type Variables = Readonly<Record<string, string>>

/** A running Gatehouse and the ports of its listeners; nothing listens on `https` without a domain. */
export interface Running {
  readonly gatehouse: Gatehouse
  readonly http: number
  readonly https: number
}

/** A config file under test: how it is started, and what it calls things that others call otherwise. */
export interface Deployment {
  /**
   * Starts it with these variables of the deployment (`APPSMITH_…`), over those of `site.environment` and on free ports, and
   * resolves when it answers on `http` and its upstreams answer. An `APPSMITH_CUSTOM_DOMAIN` means HTTPS on `https`.
   * `GATEHOUSE_STACKS` is the volume: of a test, or a new and empty one.
   */
  start(site: Site, env: Variables): Promise<Running>
  /** Of the one that all tests share, which has everything. */
  readonly shared?: Variables
  /** Variables by which it has no Keycloak. Absent: it always has one. */
  readonly withoutKeycloak?: Variables
  /** Absent: what is below /supervisor is Gatehouse's own dashboard. */
  readonly supervisor?: 'upstream'
}

export interface Site {
  /** Removed at the end. */
  readonly folder: string
  /** URLs of upstreams in this process, for those who do not start theirs. */
  readonly upstreams: Readonly<Record<UpstreamName, string>>
  /** Where the editor, info.json and (if the test gave none) a new volume are, and what pages show. */
  environment(): Variables
  /** The path of a volume with these files: path → content. */
  volume(files: Variables): string
  /** The one that all tests share; or, with variables of its own, one that is stopped with the test. */
  start(env?: Variables): Promise<Running>
}

const upstreamNames = ['backend', 'rts', 'mcp', 'keycloak', 'supervisor'] as const
export type UpstreamName = (typeof upstreamNames)[number]

/** For the tests of one `describe`; everything is stopped and removed after them. */
export function testSite(deployment: Pick<Deployment, 'start' | 'shared'>): Site {
  const servers: Server[] = []
  let shared: Promise<Running> | undefined
  const upstreams: Record<UpstreamName, string> = { backend: '', rts: '', mcp: '', keycloak: '', supervisor: '' }
  let folder = ''

  const site: Site = {
    get folder() {
      return folder
    },
    upstreams,
    environment: () => ({
      GATEHOUSE_EDITOR: join(folder, 'editor'),
      GATEHOUSE_INFO: join(folder, 'info.json'),
      GATEHOUSE_STACKS: site.volume({}),
      GATEHOUSE_THREADS: '2',
      APPSMITH_NAME: 'Acme <Inc>',
      HOSTNAME: 'host-1',
    }),
    volume(files) {
      const path = publicFolder(join(folder, 'stacks-'))
      putFiles(path, files)
      return path
    },
    async start(env) {
      if (env === undefined) {
        shared ??= deployment.start(site, deployment.shared ?? {})
        return shared
      }
      const running = await deployment.start(site, env)
      onTestFinished(() => running.gatehouse.stop().then(() => {}))
      return running
    },
  }

  beforeAll(async () => {
    folder = publicFolder(join(tmpdir(), 'gatehouse-reference-'))
    putFiles(folder, siteFiles)
    for (const name of upstreamNames) {
      const server = makeUpstream(name).listen(0, '127.0.0.1')
      servers.push(server)
      await once(server, 'listening')
      upstreams[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    }
  })
  afterAll(async () => {
    const running = await shared?.catch(() => undefined)
    await running?.gatehouse.stop()
    for (const server of servers) server.close().closeAllConnections()
    rmSync(folder, { recursive: true })
  })
  return site
}

/** What `waited` gives. If it fails, Gatehouse is stopped first: nothing else can stop it yet. */
export async function orStopped<T>(gatehouse: Gatehouse, waited: Promise<T>): Promise<T> {
  try {
    return await waited
  } catch (error) {
    await gatehouse.stop()
    throw error
  }
}

/** Programs that run as other users find what is theirs in it. */
export function publicFolder(prefix: string): string {
  const path = mkdtempSync(prefix)
  chmodSync(path, 0o755)
  return path
}

/** Pages show variables; what is under static is larger than what is sent as it is (512 bytes). */
const siteFiles: Variables = {
  'editor/index.html': `<title>{{env "APPSMITH_NAME"}}|{{env "APPSMITH_UNSET"}}|{{env "PATH"}}</title>${' '.repeat(600)}`,
  'editor/404.html': `<title>lost: {{env "APPSMITH_NAME"}} {{env "APPSMITH_VERSION_ID"}} {{env "APPSMITH_VERSION_SHA"}} {{env "APPSMITH_VERSION_RELEASE_DATE"}} {{env "APPSMITH_HOSTNAME"}}</title>`,
  'editor/favicon.ico': 'icon',
  'editor/.secret': 'hidden',
  'editor/static/js/main.1a2b.js': `console.log(1)//${'x'.repeat(1_000)}`,
  'info.json': '{"version":"v1.2.3","commitSha":"0badcafe","imageBuiltAt":"2026-01-02"}',
}

/** Those that a test names for HTTP and HTTPS, or free ones. */
export async function portsFor({ PORT, GATEHOUSE_HTTPS_PORT }: Variables): Promise<readonly [number, number]> {
  const [http = 0, https = 0] = await freePorts(2)
  return [Number(PORT ?? http), Number(GATEHOUSE_HTTPS_PORT ?? https)]
}

/** Path → content. */
export function putFiles(folder: string, files: Variables): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}
