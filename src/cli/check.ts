import { exitCodes } from '../shared/exit-codes.ts'
import { configFile, readAndReport, takesConfigFile } from './config-file.ts'
import type { Verb } from './verb.ts'

export const checkVerb: Verb = (program, terminal, end) => {
  takesConfigFile(program.command('check'))
    .description('check a configuration file and print every mistake as file:line:col; starts nothing')
    .action((argument: string | undefined, options: { config?: string }) => {
      const { plan, diagnostics } = readAndReport(configFile(argument, options.config), terminal)
      const errors = diagnostics.filter(({ severity }) => severity === 'error').length
      if (plan) {
        const { processes, gateway } = plan
        terminal.out(
          `ok: ${count(gateway.routes.length, 'route')}, ${count(processes.length, 'process', 'processes')}\n`,
        )
      } else {
        terminal.err(`${count(errors, 'error')}\n`)
      }
      end(plan ? exitCodes.ok : exitCodes.configInvalid)
    })
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
