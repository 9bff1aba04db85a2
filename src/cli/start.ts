import { startProcess } from '../control/client/run.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { oneLine } from '../shared/one-line.ts'
import { formatDuration } from '../shared/time/duration.ts'
import { type SocketOptions, socketOf, takesSocket } from './control-socket.ts'
import type { Verb } from './verb.ts'

const help = `
Starts a service that is fatal, has exited or is in backoff: its failures are reset, and processes that wait for it
continue. A task runs now, in addition to its run at the start or its schedule; it never runs twice at the same time, nor
before its dependencies are met. The output is in the log. Ctrl-C stops the waiting and nothing else.

  gatehouse start redis              start it and wait until it is ready or has failed for good
  gatehouse start backup             run it, wait for its end and exit with its exit code
  gatehouse start backup --no-wait   only start it; \`gatehouse status\` shows the result

Exit codes:
  ${exitCodes.ok}   the service is ready, or the task has completed
  the exit code of the process if it failed, or
  ${exitCodes.usage}   there is no such process
  ${exitCodes.cannotStart}   it cannot start now: it is stopping, already running, or its dependencies are not met; or it was stopped
  ${exitCodes.notRunning}   gatehouse is not running`

export const startVerb: Verb = (program, terminal, end) => {
  takesSocket(program.command('start').argument('<process>', 'name of a process'))
    .description('start a service that is down or run a task now, and wait until it is ready or has completed')
    .option('--no-wait', 'do not wait')
    .addHelpText('after', help)
    .action(async (name: string, file: string | undefined, options: SocketOptions & { wait: boolean }) => {
      const run = await startProcess(await socketOf(file, options), name, options.wait)
      if ('refused' in run) {
        terminal.err(`gatehouse: ${oneLine(run.message)}\n`)
        return end(run.refused === 'unknown-process' ? exitCodes.usage : exitCodes.cannotStart)
      }
      const { outcome, duration = 0, reason = '', exitCode } = run
      const after = formatDuration(duration)
      switch (outcome) {
        case 'started':
          terminal.out(`${name} has been started\n`)
          return end(exitCodes.ok)
        case 'ready':
          terminal.out(`${name} is ready${duration > 0 ? ` after ${after}` : ' already'}\n`)
          return end(exitCodes.ok)
        case 'completed':
          terminal.out(`${name} completed after ${after}\n`)
          return end(exitCodes.ok)
        case 'failed':
          terminal.err(`${name} failed: ${oneLine(reason)}\n`)
          return end(exitCode ?? exitCodes.cannotStart)
        case 'stopped':
          terminal.err(`${name} was stopped after ${after}, before it had completed\n`)
          return end(exitCodes.cannotStart)
      }
    })
}
