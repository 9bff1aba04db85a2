import { type Check, keyPosition } from '../../resolve/plan-context.ts'

/** Our own words stand beside those of the processes. */
export const logFiles: Check = (context, report) => {
  const { config } = context
  if (config.log.directory === undefined || !config.processes.gatehouse?.output.files) return
  report({
    code: 'contradiction',
    at: keyPosition(context, ['processes', 'gatehouse']),
    message: "the files of the process `gatehouse` would be those of Gatehouse's own log",
    hint: 'give it another name, or `output: { files: false }`',
  })
}
