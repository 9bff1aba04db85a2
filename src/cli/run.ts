import { readPlanToRun } from '../app/reload/plan-to-run.ts'
import { run } from '../app/run.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { standardStream } from '../telemetry/standard-streams.ts'
import { configFile, reportOn, takesConfigFile } from './config-file.ts'
import { environmentForPrograms } from './environment.ts'
import type { Verb } from './verb.ts'

export const runVerb: Verb = (program, terminal, end) => {
  takesConfigFile(program.command('run'))
    .description('start everything and keep running; SIGHUP reloads the file, SIGTERM or Ctrl-C stops in reverse order')
    .action(async (argument: string | undefined, options: { config?: string }) => {
      // So that a stopped terminal blocks neither the start nor anything later.
      standardStream('stdout')
      standardStream('stderr')
      const file = configFile(argument, options.config)
      const environment = environmentForPrograms()
      const reading = await readPlanToRun(file, environment)
      // Notes are for `check`.
      reportOn(reading, terminal, ['error', 'warning'])
      for (const sentence of reading.created) terminal.err(`${sentence}\n`)
      end(reading.plan ? await run(reading.plan, environment) : exitCodes.configInvalid)
    })
}
