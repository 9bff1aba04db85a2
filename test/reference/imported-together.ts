/**
 * The Caddyfile of the deployment and its supervisord files, as they stand in test/fixtures/import, made one configuration by
 * `gatehouse import` itself: routes to the ports of programs lead to the processes. The ports are free ones, the programs stand-ins.
 */
import { chmodSync, cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { gatehouse as runVerb } from '../cli/gatehouse-command.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { asTheScriptWritesIt, pages, scriptVariables } from './imported.ts'
import { type Deployment, portsFor, putFiles, type Variables } from './site.ts'

const supervised = join(projectFolder, 'test/fixtures/import/supervisord')
const standIns = join(import.meta.dirname, 'programs')

export interface Together {
  /** As the verb wrote it. */
  readonly config: string
  /** What it said on stderr. */
  readonly said: string
}

/** What the verb made of both, in `folder`. */
export async function importTogether(folder: string, environment: Variables): Promise<Together> {
  const files = await foreignFiles(folder, environment)
  const config = join(folder, 'gatehouse.yaml')
  const { code, err } = await runVerb('import', ...files, '--output', config)
  if (code !== 0) throw new Error(err)
  return { config, said: err }
}

export const together: Deployment = {
  async start(site, env) {
    const [http, https] = await portsFor(env)
    const folder = mkdtempSync(join(site.folder, 'together-'))
    chmodSync(folder, 0o755)
    const environment = { ...site.environment(), ...env }
    const { config } = await importTogether(folder, environment)
    const gatehouse = startGatehouse({
      config: inFolder(readFileSync(config, 'utf8')),
      env: {
        ...environment,
        ...scriptVariables(environment),
        ...pages(folder, environment),
        ...programVariables(folder, environment),
        INFO_FOLDER: site.folder,
        PORT: String(http),
        GATEHOUSE_HTTPS_PORT: String(https),
      },
    })
    await gatehouse.ready()
    return { gatehouse, http, https }
  },
}

/** The socket and the storage of the run are its own. */
function inFolder(config: string): string {
  return `${config.replace('control:\n', 'control:\n  socket: ./control.sock\n')}storage: ./storage\n`
}

async function foreignFiles(folder: string, environment: Variables): Promise<readonly [string, string]> {
  const names = ['6379', '27017', '8080', '8081', '8091', '8092', '9001']
  const ports = await freePorts(names.length)
  const moved = (text: string) =>
    text.replace(/\b(6379|27017|80[89][012]|9001)\b/g, (port) => String(ports[names.indexOf(port)]))
  // The script writes addresses; for tests of the Caddyfile alone they can be moved by variables.
  const caddyfile = asTheScriptWritesIt(environment).replace(/\{\$\w+:(127\.0\.0\.1:\d+)\}/g, '$1')
  putFiles(folder, { Caddyfile: moved(caddyfile) })
  cpSync(supervised, join(folder, 'supervisord'), { recursive: true })
  for (const file of globSync(join(folder, 'supervisord/**/*.conf'))) {
    const text = moved(readFileSync(file, 'utf8'))
    // Only root can become another user.
    writeFileSync(file, process.getuid?.() === 0 ? text : text.replace('user=postgres', `user=${userInfo().username}`))
  }
  return [join(folder, 'Caddyfile'), join(folder, 'supervisord/supervisord.conf')]
}

/** Where the programs are, and their data. */
function programVariables(
  folder: string,
  { APPSMITH_SUPERVISOR_USER, APPSMITH_SUPERVISOR_PASSWORD }: Variables,
): Variables {
  const [programs, work, key] = [join(folder, 'programs'), join(folder, 'work'), join(folder, 'key')]
  for (const name of ['redis', 'mongodb', 'keycloak', 'postgres']) mkdirSync(join(work, name), { recursive: true })
  mkdirSync(join(programs, 'backend'), { recursive: true })
  for (const name of ['rts', 'mcp']) symlinkSync(join(standIns, name), join(programs, name))
  mkdirSync(join(programs, 'keycloak/bin'), { recursive: true })
  const script = `#!/bin/sh\nexec ${standIns}/keycloak/bin/kc.sh "$@"\n`
  writeFileSync(join(programs, 'keycloak/bin/kc.sh'), script, { mode: 0o755 })
  writeFileSync(join(programs, 'run-postgres.sh'), '#!/bin/sh\nexec sleep infinity\n', { mode: 0o755 })
  writeFileSync(key, 'key', { mode: 0o600 })
  return {
    PATH: [join(standIns, 'bin'), join(projectFolder, 'node_modules/.bin'), process.env.PATH].join(delimiter),
    PROGRAMS_DIR: programs,
    DATA_DIR: work,
    LOG_DIR: join(folder, 'logs'),
    RUN_DIR: folder,
    DATABASE_KEY_FILE: key,
    JAVA_ARGS: '-Xms64m -Xmx256m',
    KEYCLOAK_ADMIN_USERNAME: 'admin',
    KEYCLOAK_ADMIN_PASSWORD: 'keycloak secret',
    APPSMITH_SUPERVISOR_USER: APPSMITH_SUPERVISOR_USER ?? 'appsmith',
    APPSMITH_SUPERVISOR_PASSWORD: APPSMITH_SUPERVISOR_PASSWORD ?? 'open sesame',
  }
}
