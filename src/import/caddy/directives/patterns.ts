/** Caddy's path patterns and regular expressions as our patterns. */

export interface Translated {
  /** Undefined: none of our patterns matches the same. */
  readonly patterns?: readonly string[]
  /** What differs, or why there is none. */
  readonly but?: string
}

/** A path of the `path` matcher (caddyserver.com/docs/caddyfile/matchers#path), which may hold variables. */
export function translatePath(written: string): Translated {
  if (written === '*' || written === '/*') return { patterns: ['/*'] }
  const inside = written.slice(1, -1)
  if (inside.includes('*') || (written.startsWith('*') && written.endsWith('*')))
    return { but: 'a `*` goes at the end, after a `/`, as in `/api/*`, or at the start, as in `*.map`' }
  if (written.startsWith('*')) return { patterns: [written] }
  if (!written.startsWith('/')) return { but: 'it does not begin with `/`' }
  if (written.endsWith('/*') || !written.endsWith('*')) return { patterns: [written] }
  const stem = written.slice(0, -1)
  return {
    patterns: [stem, `${stem}/*`],
    but: `\`${written}\` is \`${stem}\` and everything below it; \`${stem}x\` matched too, and no longer does`,
  }
}

const literal = /^(?:[\w/~%-]|\\[./-])+$/

/** Regular expressions that match the same as a pattern: `^/api/`, `^/api/.*$`, `^/info$`, `\.(js|css)$`. */
export function translateExpression(written: string): Translated {
  const whole = written.replace(/^\(\?i\)/, '')
  const [, alternatives] =
    /^(?:\.\*)?\\\.\(\??:?([\w|?]+)\)\$$/.exec(whole) ?? /^(?:\.\*)?\\\.(\w+)\$$/.exec(whole) ?? []
  if (alternatives !== undefined)
    return {
      patterns: alternatives
        .split('|')
        .flatMap(spelledOut)
        .map((end) => `*.${end}`),
    }
  const [, beginning = '', end = ''] = /^\^(\/[^*+?()[\]{}|^$]*?)(\.\*\$?|\(\.\*\)\$?|\$)?$/.exec(whole) ?? []
  if (beginning !== '' && literal.test(beginning)) {
    const path = beginning.replaceAll('\\', '')
    if (end === '$') return { patterns: [path] }
    if (path.endsWith('/')) return { patterns: [`${path}*`] }
  }
  return { but: 'routes match by patterns such as `/api/*` and `*.map`, not by regular expressions' }
}

/** `jpe?g` → `jpeg`, `jpg` */
function spelledOut(word: string): readonly string[] {
  const optional = /^(\w*)(\w)\?(\w*)$/.exec(word)
  return optional ? [`${optional[1]}${optional[2]}${optional[3]}`, `${optional[1]}${optional[3]}`] : [word]
}

/** Recognizes an expression for a UUID of version 4 by its dashes, the 4 and the variant. */
export function isUuidExpression(written: string): boolean {
  return written.length < 300 && /\{8\}-.*\{4\}-\[?4\]?.*\{3\}-\[[89abAB]+\].*\{3\}-.*\{12\}/.test(written)
}
