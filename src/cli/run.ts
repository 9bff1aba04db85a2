import { readPlanToRun } from '../app/reload/plan-to-run.ts'
import { run } from '../app/run.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { standardStream } from '../telemetry/standard-streams.ts'
import { configFile, reportOn, takesConfigFile } from './config-file.ts'
import { environmentForPrograms } from './environment.ts'
import type { Verb } from './verb.ts'

export const runVerb: Verb = (program, terminal, end) => {
  takesConfigFile(program.command('run'))
    .description('start everything and stay; SIGHUP reads the file again, SIGTERM or Ctrl-C stops all in reverse order')
    .action(async (argument: string | undefined, options: { config?: string }) => {
      // A terminal that is stopped holds up neither the start nor what runs.
      standardStream('stdout')
      standardStream('stderr')
      const file = configFile(argument, options.config)
      const environment = environmentForPrograms()
      const reading = await readPlanToRun(file, environment)
      // Notes are for `check`: at every start they would only be noise.
      reportOn(reading, terminal, ['error', 'warning'])
      for (const sentence of reading.created) terminal.err(`${sentence}\n`)
      end(reading.plan ? await run(reading.plan, environment) : exitCodes.configInvalid)
    })
}
