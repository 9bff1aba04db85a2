/** Field lines (RFC 9112 §5), read strictly: requests, answers and trailers have the same. */
import type { FaultOf } from './fault.ts'

/** RFC 9110 §5.6.2. */
export const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** Not allowed in values that are sent: control characters, and those above one byte, which latin1 would truncate. */
export const unsendableValue = /[^\t\x20-\x7e\x80-\xff]/
/** Control characters, and any CR or LF on its own (RFC 9110 §5.5, RFC 9112 §2.2). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it matches control characters
export const forbidden = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)|(?<!\r)\n/

/** The fields (name and value in turn) of a section with its empty line, which `what` names. Throws a fault. */
export function readFields(text: string, what: string, fault: FaultOf): readonly string[] {
  if (forbidden.test(text)) throw fault(`a control character in ${what}`)
  const fields: string[] = []
  eachField(text, 0, fault, (name, value) => fields.push(name, value))
  return fields
}

/**
 * Visits the fields, one per line, from `start` up to and with an empty line, in a text that was tested for `forbidden`.
 * Neither is there a space before the colon, nor one before the name, which would be a folded line (RFC 9112 §5.2).
 * Throws a fault.
 */
export function eachField(
  text: string,
  start: number,
  fault: FaultOf,
  visit: (name: string, value: string) => void,
): void {
  const end = text.length - 2
  let at = start
  while (at < end) {
    const lineEnd = text.indexOf('\r\n', at)
    const colon = text.indexOf(':', at)
    // Without a colon in its line, the name has the CR of the line's end.
    const name = text.slice(at, colon)
    if (!token.test(name))
      throw fault(`the line ${JSON.stringify(text.slice(at, Math.min(lineEnd, at + 40)))} is no header field`)
    visit(name, trimmed(text, colon + 1, lineEnd))
    at = lineEnd + 2
  }
}

/** The members of a list (RFC 9110 §5.6.1). */
export function membersOf(value: string): string[] {
  return value.split(',').map((member) => trimmed(member, 0, member.length))
}

/** Strips the whitespace around a value (RFC 9110 §5.5). Not `trim()`, which also strips some bytes above 0x7f. */
function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from += 1
  while (to > from && isBlank(text.charCodeAt(to - 1))) to -= 1
  return text.slice(from, to)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
