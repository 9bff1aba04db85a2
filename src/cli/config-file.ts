import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { formatDiagnostic, type Severity } from '../config/diagnostics.ts'
import { type PlanReading, readPlan } from '../plan/read-plan.ts'
import { environmentForPrograms } from './environment.ts'
import type { Terminal } from './verb.ts'

/** The default, in the working directory. */
export const defaultFile = 'gatehouse.yaml'

/** Adds the `[file]` argument and the equivalent `--config FILE` option. */
export function takesConfigFile(command: Command): Command {
  return command
    .argument('[file]', `configuration file (default: ./${defaultFile})`)
    .option('-c, --config <file>', 'configuration file, the same as the argument')
}

/** Absolute path of the file. Throws if argument and option name different ones. */
export function configFile(argument: string | undefined, option: string | undefined): string {
  if (argument !== undefined && option !== undefined && resolve(argument) !== resolve(option)) {
    throw new InvalidArgumentError(`two configuration files are given: ${argument} and --config ${option}`)
  }
  return resolve(argument ?? option ?? defaultFile)
}

/** Reads the plan and prints all diagnostics. */
export function readAndReport(file: string, terminal: Terminal): PlanReading {
  const reading = readPlan(file, environmentForPrograms())
  reportOn(reading, terminal, ['error', 'warning', 'note'])
  return reading
}

/** Prints the diagnostics of these severities. */
export function reportOn({ diagnostics }: PlanReading, terminal: Terminal, severities: readonly Severity[]): void {
  for (const diagnostic of diagnostics) {
    if (severities.includes(diagnostic.severity)) terminal.err(`${formatDiagnostic(diagnostic)}\n`)
  }
}

export function fileExists(file: string): boolean {
  return existsSync(file)
}
