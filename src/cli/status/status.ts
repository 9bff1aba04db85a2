import { readStatus } from '../../control/client/client.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { type SocketOptions, socketOf, takesSocket } from '../control-socket.ts'
import type { Verb } from '../verb.ts'
import { renderStatus } from './status-table.ts'

export const statusVerb: Verb = (program, terminal, end) => {
  takesSocket(program.command('status'))
    .description('show the processes: state, readiness, pid, uptime, restarts, and what each one waits for')
    .option('--json', 'print JSON')
    .action(async (argument: string | undefined, options: SocketOptions & { readonly json?: boolean }) => {
      const status = await readStatus(await socketOf(argument, options))
      if (options.json) terminal.out(`${JSON.stringify(status, null, 2)}\n`)
      else terminal.out(renderStatus(status, { colour: terminal.colour, width: terminal.width }))
      end(exitCodes.ok)
    })
}
