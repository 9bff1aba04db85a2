/** Plain text that YAML takes for something else by its first characters: what was meant, as it is written in quotes. */

/** The value that starts at `offset`, in quotes; to the end of its line, of its item inside of `[ ]` and `{ }`. */
export function quotedFrom(text: string, offset: number): string {
  const line =
    /^[^\n]*/
      .exec(text.slice(offset))?.[0]
      .replace(/\s+#.*$/, '')
      .trimEnd() ?? ''
  return `"${endOfItem(line).replaceAll(/["\\]/g, '\\$&')}"`
}

/** Whether the place is inside of brackets shows in one that is closed on the same line without having been opened there. */
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
