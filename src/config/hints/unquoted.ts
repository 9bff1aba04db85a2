/** Quotes plain text that YAML reads as something else because of its first characters. */

/** The value that starts at `offset`, in quotes: to the end of its line, or of its item inside `[ ]` and `{ }`. */
export function quotedFrom(text: string, offset: number): string {
  const line =
    /^[^\n]*/
      .exec(text.slice(offset))?.[0]
      .replace(/\s+#.*$/, '')
      .trimEnd() ?? ''
  return `"${endOfItem(line).replaceAll(/["\\]/g, '\\$&')}"`
}

/** Inside brackets if one is closed on the same line without being opened there. */
function endOfItem(line: string): string {
  let depth = 0
  let comma: number | undefined
  for (const [index, character] of [...line].entries()) {
    if (/[[{]/.test(character)) depth += 1
    if (/[\]}]/.test(character)) depth -= 1
    if (depth === 0 && comma === undefined && /^,(?:\s|$)/.test(line.slice(index))) comma = index
    if (depth < 0) return line.slice(0, comma ?? index).trimEnd()
  }
  return line
}
