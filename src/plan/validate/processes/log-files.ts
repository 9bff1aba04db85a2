import { type Check, keyPosition } from '../../resolve/plan-context.ts'

/** Our own words stand beside those of the processes. */
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
