import { startProcess } from '../control/client/run.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { oneLine } from '../shared/one-line.ts'
import { formatDuration } from '../shared/time/duration.ts'
import { type SocketOptions, socketOf, takesSocket } from './control-socket.ts'
import type { Verb } from './verb.ts'

const help = `
A service that is fatal, has ended or sits out a pause before its next attempt is started: its failures are forgotten, and what
waits for it goes on. A task runs now, besides the run at the start or those of its schedule; it never runs twice at a time, and not
while it lacks what it depends on. Output is in the log. Ctrl-C ends the waiting, and nothing else.

  gatehouse start redis              start it and wait until it is ready, or has been given up again
  gatehouse start backup             run it and wait for its end; its exit code becomes ours
  gatehouse start backup --no-wait   only set it going; \`gatehouse status\` tells how it went

Exit codes:
  ${exitCodes.ok}   the service is ready, the task has completed
  that of the process itself if it failed, or
  ${exitCodes.usage}   there is no such process
  ${exitCodes.cannotStart}   it cannot start now: it is ending, runs already, or lacks what it depends on; or it was stopped
  ${exitCodes.notRunning}   no gatehouse is running`

export const startVerb: Verb = (program, terminal, end) => {
  takesSocket(program.command('start').argument('<process>', 'name of a process'))
    .description('start a service that is down, or run a task now, and wait until it is ready or has completed')
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
          terminal.err(`${name} was stopped after ${after}, before it was through\n`)
          return end(exitCodes.cannotStart)
      }
    })
}
