import { Command, CommanderError } from 'commander'
import { version } from '../shared/assets.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import type { Terminal, Verb } from './verb.ts'

/** Loaded when they are needed: `healthcheck` runs every few seconds and needs little of what `run` does. */
const verbs: Readonly<Record<string, () => Promise<Verb>>> = {
  run: async () => (await import('./run.ts')).runVerb,
  check: async () => (await import('./check.ts')).checkVerb,
  plan: async () => (await import('./plan/plan.ts')).planVerb,
  status: async () => (await import('./status/status.ts')).statusVerb,
  healthcheck: async () => (await import('./status/healthcheck.ts')).healthcheckVerb,
  start: async () => (await import('./start.ts')).startVerb,
  certs: async () => (await import('./certs/certs.ts')).certsVerb,
  import: async () => (await import('./import/import.ts')).importVerb,
}

const help = `
Start here:
  gatehouse check gatehouse.yaml     check the file and print every mistake with its place
  gatehouse plan gatehouse.yaml      show what would start, in which order, and where each route leads
  gatehouse run gatehouse.yaml       start everything; SIGHUP reloads the file, SIGTERM stops
  gatehouse status                   show what is running, ready or waiting, and for what
  gatehouse start backup             run a task now and wait until it has completed
  gatehouse certs list               show expiry and next renewal of certificates; certs doctor finds out why there is none
  gatehouse import Caddyfile         write a configuration from files of Caddy, supervisord or Compose

Exit codes:
  ${exitCodes.ok}   success, or a clean stop
  ${exitCodes.configInvalid}   the configuration has errors; not healthy (healthcheck); untranslated (import --strict)
  ${exitCodes.usage}   wrong usage
  ${exitCodes.cannotStart}   cannot start: a port is in use, another gatehouse is running, storage is not writable
  ${exitCodes.notRunning}   gatehouse is not running (status, start, certs)
  ${exitCodes.internal}  internal error
  If an essential process fails for good, run exits with its exit code; start exits with that of its task.`

/** Runs the program with these arguments (without its own name) and resolves with the exit code. */
export async function cli(args: readonly string[]): Promise<number> {
  const terminal: Terminal = {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    colour: process.stdout.isTTY === true && process.stdout.hasColors(),
    width: process.stdout.columns ?? 100,
  }
  let code: number = exitCodes.ok
  const program = new Command('gatehouse')
    .description('A reverse proxy and process supervisor for containers, in one binary.')
    .version(version(), '-v, --version')
    .addHelpText('after', help)
    .showSuggestionAfterError()
    .exitOverride()
  for (const verb of await verbsFor(args)) {
    verb(program, terminal, (ended) => {
      code = ended
    })
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return codeOf(error, terminal)
  }
}

/** The verb that is called, and none for the version; all of them for help, and for suggestions. */
async function verbsFor([name = '']: readonly string[]): Promise<readonly Verb[]> {
  if (['--version', '-v'].includes(name)) return []
  const named = Object.hasOwn(verbs, name) ? verbs[name] : undefined
  return Promise.all((named ? [named] : Object.values(verbs)).map((load) => load()))
}

function codeOf(error: unknown, terminal: Terminal): number {
  // Commander has printed its message. Help and version come as errors, too.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  terminal.err(`gatehouse: ${messageOf(error)}\n`)
  if (!(error instanceof GatehouseError)) return exitCodes.internal
  if (error.code === 'environment-unusable') return exitCodes.configInvalid
  if (error.code === 'still-starting') return exitCodes.notRunning
  return error.code === 'not-running' ? exitCodes.notRunning : exitCodes.cannotStart
}
