/** The reference deployment with real parts: its folders, ports and programs, as the variables of config/appsmith.yaml. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { makeCertificate } from '../../certificates/make-certificate.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { projectFolder } from '../../e2e/support/gatehouse.ts'
import { part } from '../../parts.ts'
import { putFiles } from '../../reference/site.ts'
import { springBackend } from './backend.ts'
import type { CachedPart } from './cached.ts'
import { keycloak } from './keycloak.ts'
import { mongod, mongosh } from './mongodb.ts'
import { temporal } from './temporal.ts'
import { temporalConfig, temporalPorts } from './temporal-config.ts'

export const domain = 'reference.example'

/** What runs all the time. */
const everyService = ['redis', 'mongodb', 'postgres', 'temporal', 'keycloak', 'rts', 'mcp', 'backend'] as const
export type Service = (typeof everyService)[number]

const needed = { backend: springBackend, mongod, mongosh }
/** Those that the reference runs if they are there. */
const optional = { keycloak, temporal }
type PartFolders = Readonly<Record<keyof typeof needed, string> & Partial<Record<keyof typeof optional, string>>>

export interface ReferenceParts {
  readonly folders: PartFolders
  readonly services: readonly Service[]
}

/** Builds what is not there yet, one after the other. A part that is not to be had is told of, with the reason. */
export async function referenceParts(): Promise<ReferenceParts | undefined> {
  const folders: Record<string, string> = {}
  const missing: string[] = (['redis-server', 'postgres', 'javac', 'mvn'] as const).filter((name) => !part(name))
  for (const [name, build] of Object.entries({ ...needed, ...optional })) {
    const built: CachedPart = await build()
    if ('folder' in built) folders[name] = built.folder
    else if (name in needed) missing.push(built.missing)
    else console.log(`The reference deployment runs without it: ${built.missing}`)
  }
  if (missing.length > 0) return void console.log(`The reference deployment is not run: ${missing.join('; ')}`)
  const services = everyService.filter((name) => !(name in optional) || name in folders)
  return { folders: folders as PartFolders, services }
}

export interface Reference {
  /** Removed by `remove`. */
  readonly folder: string
  /** Empty at first but for the pair of the domain. */
  readonly volume: string
  readonly http: number
  readonly https: number
  readonly services: readonly Service[]
  /** The address of Temporal's gRPC. */
  readonly temporal: string
  /** The certificate of `domain`, for those who ask over HTTPS. */
  readonly certificate: string
  readonly environment: Readonly<Record<string, string>>
  remove(): void
}

export async function reference({ folders, services }: ReferenceParts): Promise<Reference> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-full-'))
  chmodSync(folder, 0o755) // PostgreSQL's user has to come to its data
  const [http = 0, https = 0, backend, rts, mcp, auth, mongo, database = 0, cache] = await freePorts(9)
  const cluster = await temporalPorts()
  const pair = makeCertificate({ names: [domain] })
  putFiles(folder, {
    ...site,
    'stacks/ssl/fullchain.pem': pair.certificate,
    'stacks/ssl/privkey.pem': pair.key,
    'temporal/config/development-postgres.yaml': temporalConfig(database, cluster),
    'temporal/config/dynamic.yaml': '{}\n',
  })
  chmodSync(join(folder, 'stacks/ssl/privkey.pem'), 0o600)
  const temporary = join(folder, 'tmp')
  mkdirSync(temporary)
  chmodSync(temporary, 0o1777)
  if (folders.temporal !== undefined)
    for (const name of ['temporal-server', 'temporal-sql-tool', 'schema', 'cli'])
      symlinkSync(join(folders.temporal, name), join(folder, 'temporal', name))
  // It is written to by its own start.
  if (folders.keycloak !== undefined) cpSync(folders.keycloak, join(folder, 'keycloak'), { recursive: true })

  const parts = join(projectFolder, 'test/full/parts')
  const own = join(parts, 'appsmithctl')
  const programs = [folders.mongod, folders.mongosh, own, dirname(realpathSync(part('postgres') ?? ''))]
  return {
    folder,
    volume: join(folder, 'stacks'),
    http,
    https,
    services,
    temporal: `127.0.0.1:${cluster[0]}`,
    certificate: pair.certificate,
    environment: {
      PATH: [...programs, join(projectFolder, 'node_modules/.bin'), process.env.PATH].join(':'),
      HOME: folder,
      TMPDIR: temporary,
      HOSTNAME: 'host-1',
      PORT: `${http}`,
      GATEHOUSE_HTTPS_PORT: `${https}`,
      GATEHOUSE_THREADS: '2',
      GATEHOUSE_STACKS: join(folder, 'stacks'),
      GATEHOUSE_STORAGE: join(folder, 'stacks/gatehouse'),
      GATEHOUSE_SOCKET: join(folder, 'control.sock'),
      GATEHOUSE_EDITOR: join(folder, 'editor'),
      GATEHOUSE_INFO: join(folder, 'info.json'),
      GATEHOUSE_BACKEND: folders.backend,
      GATEHOUSE_RTS: join(parts, 'rts'),
      GATEHOUSE_MCP: join(parts, 'mcp'),
      GATEHOUSE_KEYCLOAK: join(folder, 'keycloak'),
      GATEHOUSE_TEMPORAL: join(folder, 'temporal'),
      GATEHOUSE_POSTGRES_USER: process.getuid?.() === 0 ? 'postgres' : userInfo().username,
      GATEHOUSE_BACKEND_PORT: `${backend}`,
      APPSMITH_RTS_PORT: `${rts}`,
      APPSMITH_MCP_PORT: `${mcp}`,
      GATEHOUSE_KEYCLOAK_PORT: `${auth}`,
      GATEHOUSE_MONGODB_PORT: `${mongo}`,
      GATEHOUSE_POSTGRES_PORT: `${database}`,
      GATEHOUSE_REDIS_PORT: `${cache}`,
      GATEHOUSE_TEMPORAL_PORT: `${cluster[0]}`,
      APPSMITH_CUSTOM_DOMAIN: domain,
      APPSMITH_NAME: 'Acme',
      APPSMITH_JAVA_ARGS: '-Dserver.address=127.0.0.1',
      APPSMITH_JAVA_HEAP_ARG: '-Xmx256m',
      JAVA_OPTS_KC_HEAP: '-Xms64m -Xmx512m',
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const site = {
  'editor/index.html': `<title>{{env "APPSMITH_NAME"}} {{env "APPSMITH_VERSION_ID"}}</title>${' '.repeat(600)}`,
  'editor/404.html': '<title>lost</title>',
  'editor/favicon.ico': 'icon',
  'editor/static/js/main.1a2b.js': `console.log(1)//${'x'.repeat(1_000)}`,
  'info.json': '{"version":"v1.2.3","commitSha":"0badcafe","imageBuiltAt":"2026-01-02"}',
}
