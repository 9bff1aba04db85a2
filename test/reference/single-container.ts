/**
 * config/appsmith.yaml as it is shipped. Redis and PostgreSQL are Debian's, where a test wants them; the other programs are
 * stand-ins (programs/), put where the image has the real ones, and say their command line.
 */
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs'
import { userInfo } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Plan } from '../../src/plan/model/plan.ts'
import { readPlan } from '../../src/plan/read-plan.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { binary, type Gatehouse, projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'
import { type Deployment, orStopped, portsFor, type Site, type Variables } from './site.ts'

const programs = join(import.meta.dirname, 'programs')
export const configFile = join(projectFolder, 'config/appsmith.yaml')

/** Variables by which nothing is embedded: databases are elsewhere, and so there is no Keycloak and no Temporal. */
export const databasesElsewhere: Variables = {
  APPSMITH_DB_URL: 'mongodb+srv://user:secret@db.example/appsmith',
  APPSMITH_REDIS_URL: 'redis://cache.example:6379',
  APPSMITH_ENABLE_EMBEDDED_DB: '0',
}

/** No backup is due when it starts. */
export const withoutBackups: Variables = { APPSMITH_BACKUP_CRON_EXPRESSION: 'disabled' }

export interface SingleContainer {
  readonly gatehouse: Gatehouse
  readonly http: number
  readonly https: number
  /** The volume. */
  readonly stacks: string
  /** Of its control API. */
  readonly socket: string
  /** GATEHOUSE_*_PORT and APPSMITH_*_PORT: of the programs. */
  readonly ports: Variables
}

/** Starts it and waits for nothing. `command`: of the program, which may be on another machine. */
export async function startSingleContainer(site: Site, env: Variables, command = binary): Promise<SingleContainer> {
  const { environment, ...rest } = await surroundingsOf(site, env)
  return { ...rest, gatehouse: startGatehouse({ command, file: configFile, env: environment }) }
}

/** What would be started. Throws if the config file has mistakes. */
export async function singleContainerPlan(site: Site, env: Variables): Promise<Plan> {
  const { plan, diagnostics } = readPlan(configFile, (await surroundingsOf(site, env)).environment)
  if (plan === undefined) throw new Error(JSON.stringify(diagnostics))
  return plan
}

type Surroundings = Omit<SingleContainer, 'gatehouse'> & { readonly environment: Variables }

async function surroundingsOf(site: Site, env: Variables): Promise<Surroundings> {
  const [http, https] = await portsFor(env)
  const backend = join(site.folder, 'backend')
  mkdirSync(backend, { recursive: true })
  const state = mkdtempSync(join(site.folder, 'state-'))
  // PostgreSQL's user puts its socket there.
  chmodSync(state, 0o1777)
  const ports = await programPorts()
  const environment: Variables = {
    ...site.environment(),
    PATH: path(),
    PORT: String(http),
    GATEHOUSE_HTTPS_PORT: String(https),
    GATEHOUSE_SOCKET: join(state, 'control.sock'),
    GATEHOUSE_STORAGE: join(state, 'storage'),
    TMPDIR: state,
    GATEHOUSE_POSTGRES_USER: process.getuid?.() === 0 ? 'postgres' : userInfo().username,
    GATEHOUSE_BACKEND: backend,
    GATEHOUSE_RTS: join(programs, 'rts'),
    GATEHOUSE_MCP: join(programs, 'mcp'),
    GATEHOUSE_KEYCLOAK: join(programs, 'keycloak'),
    GATEHOUSE_TEMPORAL: join(programs, 'temporal'),
    ...ports,
    ...env,
  }
  const { GATEHOUSE_STACKS: stacks = '', GATEHOUSE_SOCKET: socket = '' } = environment
  return { environment, http, https, ports, stacks, socket }
}

/** The stand-ins come first, then the pinned Node, then what Debian has. */
function path(): string {
  const postgres = part('postgres')
  const folders = [join(programs, 'bin'), join(projectFolder, 'node_modules/.bin'), postgres && dirname(postgres)]
  return [...folders.filter(Boolean), process.env.PATH].join(delimiter)
}

async function programPorts(): Promise<Variables> {
  const names = [
    'GATEHOUSE_BACKEND_PORT',
    'GATEHOUSE_KEYCLOAK_PORT',
    'GATEHOUSE_TEMPORAL_PORT',
    'GATEHOUSE_MONGODB_PORT',
    'GATEHOUSE_POSTGRES_PORT',
    'GATEHOUSE_REDIS_PORT',
    'APPSMITH_RTS_PORT',
    'APPSMITH_MCP_PORT',
  ]
  const ports = await freePorts(names.length)
  return Object.fromEntries(names.map((name, index) => [name, String(ports[index])]))
}

/** Milliseconds; a dozen programs and the making of a database, perhaps beside other tests. */
const startLimit = 55_000

/** All of it for the tests that share one; what has variables of its own has its databases elsewhere, and starts sooner. */
export const singleContainer: Deployment = {
  async start(site, env) {
    const running = await startSingleContainer(site, { ...databasesElsewhere, ...withoutBackups, ...env })
    const { gatehouse } = running
    await orStopped(gatehouse, gatehouse.waitFor({ message: 'ready' }, { timeout: startLimit }))
    return running
  },
  shared: Object.fromEntries(Object.keys(databasesElsewhere).map((name) => [name, ''])),
  withoutKeycloak: databasesElsewhere,
}
