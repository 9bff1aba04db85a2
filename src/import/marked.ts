/**
 * Marks environment variables in text while it is parsed: each expression stands between two private use characters,
 * which no configuration contains, and becomes `${...}` in the end.
 */

/** `expression`: `NAME` or `NAME:-default`. */
export function marked(expression: string): string {
  return `\ue000${expression}\ue001`
}

/** Nothing but one variable. */
export function isVariable(text: string): boolean {
  return /^\ue000[^\ue000\ue001]*\ue001$/.test(text)
}

export function hasVariable(text: string): boolean {
  return text.includes('\ue000')
}

/** As our file writes it: `${NAME}` for a variable, `$${` for a literal `${`. */
export function written(text: string): string {
  return text.replace(/\ue000([^\ue000\ue001]*)\ue001|\$\{/g, (_, expression: string | undefined) =>
    expression === undefined ? '$${' : `\${${expression}}`,
  )
}
