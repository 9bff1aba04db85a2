/** Patterns for header values: `*` matches any text, even none; the rest is compared literally and case-sensitively. */
import type { PatternProblem } from './pattern-problem.ts'

/** What is wrong with a pattern and how to fix it; undefined if it is valid. */
export function validateValuePattern(pattern: string): PatternProblem | undefined {
  if (/[^\t\x20-\x7e\x80-\u{10ffff}]/u.test(pattern))
    return {
      problem: 'matches no request: a header value is one line without control characters',
      hint: 'write `*` for such characters',
    }
  const instead = pattern.replace(/^[\t ]+|[\t ]+$/g, '')
  // RFC 9110 §5.5: whitespace around a value is not part of it.
  if (instead === pattern) return undefined
  const problem = 'matches no request: values have no leading or trailing spaces'
  return { problem, hint: 'remove them', ...(instead !== '' && { instead }) }
}

/**
 * The test of a value with one character for each byte, as Node has them. Beyond ASCII clients send UTF-8, or Latin-1
 * as browsers do (RFC 9110 §5.5 gives the bytes no meaning): either matches.
 */
export function compileValuePattern(pattern: string): (value: string) => boolean {
  const matches = compileText(pattern)
  if (/^[\0-\x7f]*$/.test(pattern)) return matches
  const matchesUtf8 = compileText(Buffer.from(pattern).toString('latin1'))
  return (value) => matches(value) || matchesUtf8(value)
}

function compileText(pattern: string): (value: string) => boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return (value) => value === pattern
  return (value) => {
    if (!value.startsWith(head) || !value.endsWith(tail)) return false
    const end = value.length - tail.length
    let from = head.length
    for (const part of rest) {
      const at = value.indexOf(part, from)
      if (at === -1) return false
      from = at + part.length
    }
    return from <= end
  }
}

/**
 * Whether every value that `narrow` matches is matched by `wide`: a `*` of the one can only be met by a `*` of the
 * other.
 */
export function valuePatternCovers(wide: string, narrow: string): boolean {
  return compileText(wide)(narrow)
}
