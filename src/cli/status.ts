import { resolve } from 'node:path'
import { readStatus } from '../control/client.ts'
import { readPlan } from '../plan/read-plan.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { configFile, environment, fileExists, takesConfigFile } from './config-file.ts'
import { renderStatus } from './status-table.ts'
import type { Verb } from './verb.ts'

const defaultSocket = '/run/gatehouse.sock'

export const statusVerb: Verb = (program, terminal, end) => {
  takesConfigFile(program.command('status'))
    .description('show the running processes: state, ready, pid, uptime, restarts, and what each waits for')
    .option('-s, --socket <path>', `control socket (default: the configuration's, else ${defaultSocket})`)
    .option('--json', 'print JSON')
    .action(async (argument: string | undefined, options: { config?: string; socket?: string; json?: boolean }) => {
      const socket =
        options.socket === undefined ? socketOf(configFile(argument, options.config)) : resolve(options.socket)
      const status = await readStatus(socket)
      if (options.json) terminal.out(`${JSON.stringify(status, null, 2)}\n`)
      else terminal.out(renderStatus(status, { colour: terminal.colour, width: terminal.width }))
      end(exitCodes.ok)
    })
}

function socketOf(file: string): string {
  if (!fileExists(file)) return defaultSocket
  const { plan } = readPlan(file, environment())
  return plan?.control.socket ?? defaultSocket
}
