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
    if (severity === 'untranslated') continue
    const here = `${file}:${line}`
    const same = findings.filter((finding) => finding.severity === severity && finding.message === message)
    const others = [...new Set(same.map((one) => `${one.file}:${one.line}`))].filter((place) => place !== here)
    if (others.length > 0) lines.push(`    also at ${listed(others)}`)
  }
  return lines
}

const mostPlaces = 6

function listed(places: readonly string[]): string {
  const shown = places.slice(0, mostPlaces).join(', ')
  return places.length > mostPlaces ? `${shown} and ${places.length - mostPlaces} more` : shown
}
