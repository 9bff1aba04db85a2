import { startTask } from '../control/client-runs.ts'
import { formatDuration } from '../shared/duration.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { oneLine } from '../shared/one-line.ts'
import { type SocketOptions, socketOf, takesSocket } from './control-socket.ts'
import type { Verb } from './verb.ts'

const help = `
A task runs once at the start, or at the times of its schedule; with this it runs now, besides. It never runs twice at a
time, and not while it lacks what it depends on. Its output is in the log. Ctrl-C ends the waiting, not the task.

  gatehouse start backup             run it and wait; its exit code becomes ours
  gatehouse start backup --no-wait   only set it going; \`gatehouse status\` tells how it went

Exit codes:
  that of the task itself, or
  ${exitCodes.usage}   there is no such process
  ${exitCodes.cannotStart}   it cannot run now: it runs already, lacks what it depends on, or is a service; or it was stopped
  ${exitCodes.notRunning}   no gatehouse is running`

export const startVerb: Verb = (program, terminal, end) => {
  takesSocket(program.command('start').argument('<task>', 'name of a task'))
    .description('run a task now, and wait until it has completed')
    .option('--no-wait', 'do not wait for its end')
    .addHelpText('after', help)
    .action(async (name: string, file: string | undefined, options: SocketOptions & { wait: boolean }) => {
      const run = await startTask(socketOf(file, options), name, options.wait)
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
