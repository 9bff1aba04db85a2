/** `environment=A="1",B="2"`, as supervisord reads it: Python's shlex in its old, non-POSIX mode, four tokens at a time. */

export type Variables =
  | { readonly ok: true; readonly variables: readonly (readonly [name: string, value: string])[] }
  | { readonly ok: false }

// A quoted part, a word (in which quotes may stand), or one character that is neither. `#` begins a comment.
const tokens =
  /\s+|#[^\n]*|"[^"]*"|'[^']*'|[\w/.+\-():\u00c0-\u00ff\ue000\ue001]["'\w/.+\-():\u00c0-\u00ff\ue000\ue001]*|[\s\S]/gy

export function readVariables(text: string): Variables {
  const list = [...text.matchAll(tokens)].map(([token]) => token).filter((token) => !/^[\s#]/.test(token))
  const variables: (readonly [string, string])[] = []
  for (let index = 0; index < list.length; index += 4) {
    const [name = '', equals, value] = list.slice(index, index + 3)
    if (equals !== '=' || value === undefined) return { ok: false }
    variables.push([name, value.replace(/^['"]+|['"]+$/g, '')])
  }
  return { ok: true, variables }
}
