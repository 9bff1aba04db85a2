import { run } from '../runtime/runtime.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { configFile, environment, readAndReport, takesConfigFile } from './config-file.ts'
import type { Verb } from './verb.ts'

export const runVerb: Verb = (program, terminal, end) => {
  takesConfigFile(program.command('run'))
    .description('start everything and stay; SIGHUP reads the file again, SIGTERM or Ctrl-C stops all in reverse order')
    .action(async (argument: string | undefined, options: { config?: string }) => {
      const file = configFile(argument, options.config)
      // Notes are for `check`: at every start they would only be noise.
      const { plan } = readAndReport(file, terminal, ['error', 'warning'])
      end(plan ? await run(plan, environment()) : exitCodes.configInvalid)
    })
}
