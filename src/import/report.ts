/** Findings as lines that editors can follow: `file:line:col: untranslated: ...`. */
import type { Finding } from './reading.ts'

/**
 * What is lost is told at every place. Remarks that are the same at many places are told at the first, with the number of the
 * others: nobody reads forty lines to find the two that matter.
 */
export function findingLines(findings: readonly Finding[]): readonly string[] {
  const lines: string[] = []
  const told = new Set<string>()
  for (const { file, line, column, severity, message } of findings) {
    const key = `${severity} ${message}`
    if (severity !== 'untranslated' && told.has(key)) continue
    told.add(key)
    lines.push(`${file}:${line}:${column}: ${severity}: ${message}`)
    const others = findings.filter((finding) => finding.severity === severity && finding.message === message).slice(1)
    if (severity !== 'untranslated' && others.length > 0) lines.push(`    also at ${placesOf(others)}`)
  }
  return lines
}

const mostPlaces = 6

function placesOf(findings: readonly Finding[]): string {
  const places = [...new Set(findings.map(({ file, line }) => `${file}:${line}`))]
  const shown = places.slice(0, mostPlaces).join(', ')
  return places.length > mostPlaces ? `${shown} and ${places.length - mostPlaces} more` : shown
}
