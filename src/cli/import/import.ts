import { globSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { formatDiagnostic } from '../../config/diagnostics.ts'
import type { FileAccess, ForeignFile } from '../../import/import-files.ts'
import { type Kind, kindOf, kinds } from '../../import/kind.ts'
import type { Finding, Fragment } from '../../import/reading.ts'
import { messageOf } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { createFileAtomic, writeFileAtomic } from '../../shared/files/atomic-file.ts'
import { defaultFile } from '../config-file.ts'
import { environment } from '../environment.ts'
import type { Terminal, Verb } from '../verb.ts'
import { askCaddy } from './ask-caddy.ts'

interface Options {
  readonly output?: string
  readonly format?: Kind
  readonly strict?: boolean
  readonly force?: boolean
}

const help = `
Reads a Caddyfile or Caddy's JSON, supervisord's configuration with its includes, or a Compose file. Several files become
one configuration: routes to a port of this machine lead to the process that listens there.

The configuration goes to stdout, or to --output. Differences are reported on stderr, with file and line:
  untranslated   not in the new file; the message names the closest alternative
  changed        translated, but behaves differently
  note           worth knowing

Examples:
  gatehouse import /etc/caddy/Caddyfile /etc/supervisor/supervisord.conf --output gatehouse.yaml
  gatehouse import docker-compose.yml --strict -o gatehouse.yaml   exit 1 if something is untranslated
  gatehouse import backend.conf --format supervisord               for files whose kind is not clear from their name

Next: gatehouse check gatehouse.yaml, gatehouse plan gatehouse.yaml. docs/migrating.md describes all steps.`

export const importVerb: Verb = (program, terminal, end) => {
  program
    .command('import')
    .description('write a configuration from files of Caddy, supervisord or Compose')
    .argument('<file...>', 'files to read')
    .option('-o, --output <file>', 'write to this file instead of stdout, with mode 0600: it may contain secrets')
    .addOption(new Option('--format <kind>', 'kind of the files').choices(kinds))
    .option('--strict', 'exit with 1 if something is untranslated')
    .option('--force', 'overwrite the --output file')
    .addHelpText('after', help)
    .action(async (files: readonly string[], options: Options, command: Command) => {
      const { output, strict = false, force = false } = options
      if (output !== undefined) refuseToOverwrite(output, force, command)
      const foreign = files.map((file) => readForeign(file, options.format, command))
      const { text, valid, complete } = await translate(terminal, foreign, output ?? defaultFile)
      if (output === undefined) terminal.out(text)
      else await write(output, text, force, command)
      if (!valid) end(exitCodes.configInvalid)
      else end(strict && !complete ? exitCodes.untranslated : exitCodes.ok)
    })
}

function readForeign(file: string, format: Kind | undefined, command: Command): ForeignFile {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    command.error(`error: cannot read ${file}: ${messageOf(error)}`)
  }
  const kind = format ?? kindOf(file, text)
  if (kind === undefined)
    command.error(
      `error: cannot determine the kind of ${file} from its name and content: set --format (${kinds.join(', ')})`,
    )
  return { file, text, kind }
}

function refuseToOverwrite(output: string, force: boolean, command: Command): void {
  const stats = statSync(output, { throwIfNoEntry: false })
  if (!stats) return
  if (!stats.isFile())
    command.error(`error: ${output} is not a file: without --output the configuration goes to stdout`)
  if (!force) command.error(`error: ${output} already exists: choose another file, or overwrite it with --force`)
}

async function write(output: string, text: string, force: boolean, command: Command): Promise<void> {
  let written: boolean
  try {
    if (force) await writeFileAtomic(resolve(output), text, mode)
    written = force || (await createFileAtomic(resolve(output), text, mode))
  } catch (error) {
    command.error(`error: cannot write ${output}: ${messageOf(error)}`)
  }
  if (!written) command.error(`error: ${output} was created meanwhile, and is left as it is`)
}

/** The old files may contain secrets in plain text. */
const mode = 0o600

interface Translation {
  readonly text: string
  /** It passes `gatehouse check`. */
  readonly valid: boolean
  /** Nothing is untranslated. */
  readonly complete: boolean
}

/**
 * The new file; findings are printed on stderr. `output`: where the file will be. Readers are loaded for this verb
 * only.
 */
async function translate(terminal: Terminal, files: readonly ForeignFile[], output: string): Promise<Translation> {
  const { importFiles } = await import('../../import/import-files.ts')
  const { findingLines } = await import('../../import/report.ts')
  const { verify } = await import('../../import/verify.ts')
  const { yamlText } = await import('../../import/yaml-text.ts')
  const variables = environment()
  const around: FileAccess = { ...disk, environment: variables }
  const { config, comments, findings: ours } = importFiles(files, around)
  const findings = [...(await askCaddy(files, around)), ...ours]
  const head = `Written by gatehouse import from ${files.map(({ file }) => file).join(', ')}.`
  const text = yamlText({ version: 1, ...config }, comments, [head])
  const { errors, missing, unset } = verify(output, text, variables)
  for (const line of findingLines(findings)) terminal.err(`${line}\n`)
  for (const error of errors) terminal.err(`${formatDiagnostic(error)}\n`)
  for (const message of new Set(missing.map((one) => one.message))) terminal.err(`not on this machine: ${message}\n`)
  if (unset.length > 0) terminal.err(`needs these variables, which are not set here: ${unset.join(', ')}\n`)
  terminal.err(`${summary(config, findings)}\n`)
  if (errors.length > 0)
    terminal.err('the result does not pass `gatehouse check` yet: fix the errors listed above in it\n')
  const complete = findings.every(({ severity }) => severity !== 'untranslated')
  return { text, valid: errors.length === 0, complete }
}

const disk: Omit<FileAccess, 'environment'> = {
  readFile(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return undefined
    }
  },
  glob: (pattern) => globSync(pattern).sort(),
}

function summary({ gateway, processes, upstreams }: Fragment, findings: readonly Finding[]): string {
  const routes = Array.isArray(gateway?.routes) ? gateway.routes.length : 0
  const read = [
    count(routes, 'route'),
    count(Object.keys(processes ?? {}).length, 'process', 'processes'),
    ...(upstreams ? [count(Object.keys(upstreams).length, 'upstream')] : []),
  ]
  const of = (severity: Finding['severity']) => findings.filter((finding) => finding.severity === severity).length
  return `${read.join(', ')}; ${of('untranslated')} untranslated, ${of('changed')} changed, ${count(of('note'), 'note')}`
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
