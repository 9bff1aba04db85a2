import { type Check, keyPosition } from '../../resolve/plan-context.ts'

/** The log of Gatehouse itself is in the same directory, as `gatehouse`. */
export const logFiles: Check = (context, report) => {
  const { config } = context
  if (config.log.directory === undefined || !config.processes.gatehouse?.output.files) return
  report({
    code: 'contradiction',
    at: keyPosition(context, ['processes', 'gatehouse']),
    message: 'the log files of process `gatehouse` would be those of Gatehouse itself',
    hint: 'rename it, or set `output: { files: false }`',
  })
}
