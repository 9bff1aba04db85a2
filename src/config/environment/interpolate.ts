/**
 * `${NAME}` and `${NAME:-default}` in a scalar; a default may hold further ones. `$${` is a literal `${`. A variable
 * that is empty counts as not set, as everywhere in the file.
 */
export type Variables = Readonly<Record<string, string>>

export type Interpolation =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: 'not-set'; readonly name: string }
  | { readonly ok: false; readonly problem: 'malformed' }
  | { readonly ok: false; readonly problem: 'too-deep' }
  | { readonly ok: false; readonly problem: 'too-long' }

/** The value of a variable, or undefined if it is not set or empty. */
export function variable(variables: Variables, name: string): string | undefined {
  // Own properties only: `${constructor}` is not a variable.
  return Object.hasOwn(variables, name) ? variables[name] || undefined : undefined
}

export function interpolate(text: string, variables: Variables): Interpolation {
  if (!text.includes('${')) return { ok: true, text }
  return read({ text, variables, nested: 0 }, 0).result
}

/** Names of the variables in a text, including those in defaults. */
export function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(/(\$?)\$\{([A-Za-z_][A-Za-z0-9_]*)/g)].flatMap(([, literal, name = '']) =>
    literal ? [] : name,
  )
}

interface Reading {
  readonly text: string
  readonly variables: Variables
  /** How many defaults enclose this text; the innermost ends at its `}`. */
  readonly nested: number
}

/** Defaults within defaults. */
const maxNesting = 50

/** Of the result, in characters: forty variables, each twice the one before, would fill any memory. */
const maxLength = 8 * 1024 * 1024

const opening = /\$\{([A-Za-z_][A-Za-z0-9_]*)(:-|\})/y

/** Reads to the end, or in a default to its closing brace; `end` is where reading stopped. */
function read(reading: Reading, start: number): { result: Interpolation; end: number } {
  const { text, nested } = reading
  let output = ''
  let missing: string | undefined
  let position = start
  while (position < text.length && !(nested > 0 && text[position] === '}')) {
    if (text.startsWith('$${', position)) {
      output += '${'
      position += 3
    } else if (text.startsWith('${', position)) {
      const { result, end } = readVariable(reading, position)
      position = end
      if (result.ok) output += result.text
      else if (result.problem !== 'not-set') return { result, end }
      else missing ??= result.name
      if (output.length > maxLength) return { result: { ok: false, problem: 'too-long' }, end }
    } else {
      output += text[position]
      position += 1
    }
  }
  const result: Interpolation =
    missing === undefined ? { ok: true, text: output } : { ok: false, problem: 'not-set', name: missing }
  return { result, end: position }
}

function readVariable({ text, variables, nested }: Reading, start: number): { result: Interpolation; end: number } {
  opening.lastIndex = start
  const [head = '', name = '', mark] = opening.exec(text) ?? []
  if (!mark) return { result: { ok: false, problem: 'malformed' }, end: start }
  const value = variable(variables, name)
  let end = start + head.length
  let result: Interpolation = { ok: false, problem: 'not-set', name }
  if (mark === ':-') {
    if (nested === maxNesting) return { result: { ok: false, problem: 'too-deep' }, end }
    const fallback = read({ text, variables, nested: nested + 1 }, end)
    const { result: found } = fallback
    if (!found.ok && (found.problem === 'too-deep' || found.problem === 'too-long')) return fallback
    if (text[fallback.end] !== '}') return { result: { ok: false, problem: 'malformed' }, end: fallback.end }
    end = fallback.end + 1
    result = found
  }
  return { result: value === undefined ? result : { ok: true, text: value }, end }
}
