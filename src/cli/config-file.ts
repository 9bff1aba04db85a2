import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { formatDiagnostic, type Severity } from '../config/diagnostics.ts'
import { type PlanReading, readPlan } from '../plan/read-plan.ts'
import { environmentForPrograms } from './environment.ts'
import type { Terminal } from './verb.ts'

/** The name that is looked for in the working directory when none is given. */
export const defaultFile = 'gatehouse.yaml'

/** Gives a verb its `[file]` argument and the `--config FILE` option, which mean the same. */
export function takesConfigFile(command: Command): Command {
  return command
    .argument('[file]', `configuration file (default: ./${defaultFile})`)
    .option('-c, --config <file>', 'configuration file, the same as the argument')
}

/** Absolute path of the file that was asked for. Two different ones are a mistake better told than guessed at. */
export function configFile(argument: string | undefined, option: string | undefined): string {
  if (argument !== undefined && option !== undefined && resolve(argument) !== resolve(option)) {
    throw new InvalidArgumentError(`two configuration files were given: ${argument} and --config ${option}`)
  }
  return resolve(argument ?? option ?? defaultFile)
}

/** Reads the plan and prints all that there is to say about the file. */
export function readAndReport(file: string, terminal: Terminal): PlanReading {
  const reading = readPlan(file, environmentForPrograms())
  reportOn(reading, terminal, ['error', 'warning', 'note'])
  return reading
}

/** Prints what there is to say about the file, of these severities. */
export function reportOn({ diagnostics }: PlanReading, terminal: Terminal, severities: readonly Severity[]): void {
  for (const diagnostic of diagnostics) {
    if (severities.includes(diagnostic.severity)) terminal.err(`${formatDiagnostic(diagnostic)}\n`)
  }
}

export function fileExists(file: string): boolean {
  return existsSync(file)
}
