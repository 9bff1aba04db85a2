import { type Check, keyAt } from '../../resolve/plan-context.ts'

/** Our own words stand beside those of the processes. */
export const logFiles: Check = (asked, report) => {
  const { config } = asked
  if (config.log.directory === undefined || !config.processes.gatehouse?.output.files) return
  report({
    code: 'contradiction',
    at: keyAt(asked, ['processes', 'gatehouse']),
    message: "the files of the process `gatehouse` would be those of Gatehouse's own log",
    mend: 'give it another name, or `output: { files: false }`',
  })
}
