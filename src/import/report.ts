/** Findings as lines that editors can follow: `file:line:col: untranslated: ...`. */
import type { Finding } from './reading.ts'

/**
 * Reports `untranslated` at every place, and any other message once, at its first place, with a list of the others, so
 * that the lines that matter stand out.
 */
export function findingLines(findings: readonly Finding[]): readonly string[] {
  const lines: string[] = []
  const reported = new Set<string>()
  for (const { file, line, column, severity, message } of findings) {
    const key = `${severity} ${message}`
    if (severity !== 'untranslated' && reported.has(key)) continue
    reported.add(key)
    lines.push(`${file}:${line}:${column}: ${severity}: ${message}`)
    if (severity === 'untranslated') continue
    const here = `${file}:${line}`
    const same = findings.filter((finding) => finding.severity === severity && finding.message === message)
    const others = [...new Set(same.map((one) => `${one.file}:${one.line}`))].filter((place) => place !== here)
    if (others.length > 0) lines.push(`    also at ${listed(others)}`)
  }
  return lines
}

const maxPlaces = 6

function listed(places: readonly string[]): string {
  const shown = places.slice(0, maxPlaces).join(', ')
  return places.length > maxPlaces ? `${shown} and ${places.length - maxPlaces} more` : shown
}
