/** A page with the state of everything, for people with a browser and no shell. Read-only; it refreshes itself. */
import { formatDuration } from '../../shared/time/duration.ts'
import type { ProcessStatus, Status } from '../contract/contract.ts'
import { type Health, healthOf } from '../health.ts'
import { noteOf } from '../process-notes.ts'

const secondsBetween = 5

const marks: Readonly<Record<Health['verdict'], string>> = {
  healthy: 'well',
  starting: '',
  stopping: '',
  unhealthy: 'wrong',
}

/** HTML without external resources. `now`: Unix time in milliseconds. */
export function dashboardPage(status: Status, now: number): string {
  const { verdict, reasons, warnings } = healthOf(status, now)
  const said = [...reasons, ...warnings.map((warning) => `warning: ${warning}`)]
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="${secondsBetween}">
<title>${verdict}: gatehouse</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color-scheme: light dark }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3em .8em .3em 0; vertical-align: top }
th { font-weight: normal; opacity: .6 } tr + tr { border-top: 1px solid #8884 } .well { color: #2a8a3e } .wrong { color: #c62f2f }
</style>
<h1 class="${marks[verdict]}">${verdict}</h1>
<p>gatehouse ${text(status.version)}, up ${formatDuration(status.uptime)}</p>
${said.length === 0 ? '' : `<ul>${said.map((one) => `<li>${text(one)}</li>`).join('')}</ul>`}
<table>
<tr><th>process</th><th>state</th><th>ready</th><th>up</th><th>restarts</th><th></th></tr>
${status.processes.map(row).join('\n')}
</table>
${certificates(status)}
</html>
`
}

function row(process: ProcessStatus): string {
  const { name, state, ready, uptime, restarts, lastRun, exit } = process
  const up = uptime === undefined ? '' : formatDuration(uptime)
  const cells = [name, state, ready ? 'yes' : 'no', up, restarts, noteOf(process)]
  const hasFailed = state === 'fatal' || (state === 'exited' && (lastRun?.failed || exit?.code !== 0))
  const mark = hasFailed ? ' class="wrong"' : ''
  return `<tr${mark}>${cells.map((cell) => `<td>${text(String(cell))}</td>`).join('')}</tr>`
}

function certificates({ certificates }: Status): string {
  if (certificates.length === 0) return ''
  const lines = certificates.map(({ names, source, notAfter }) => `${names.join(', ')}: ${source}, until ${notAfter}`)
  return `<h2>certificates</h2><ul>${lines.map((line) => `<li>${text(line)}</li>`).join('')}</ul>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Reasons contain the output of programs, which must not be taken for HTML. */
function text(written: string): string {
  return written.replace(/[&<>"']/g, (character) => escapes[character] ?? character)
}
