/** Path patterns and expressions of Caddy's, as patterns of ours. */

export interface Translated {
  /** Undefined: no pattern of ours says it. */
  readonly patterns?: readonly string[]
  /** What is different, or why there is none. */
  readonly but?: string
}

/** A path of the `path` matcher (caddyserver.com/docs/caddyfile/matchers#path); variables are left in it. */
export function translatePath(written: string): Translated {
  if (written === '*' || written === '/*') return { patterns: ['/*'] }
  const inside = written.slice(1, -1)
  if (inside.includes('*') || (written.startsWith('*') && written.endsWith('*')))
    return { but: 'a `*` stands at the end behind a `/`, as in `/api/*`, or at the beginning, as in `*.map`' }
  if (written.startsWith('*')) return { patterns: [written] }
  if (!written.startsWith('/')) return { but: 'it does not begin with `/`' }
  if (written.endsWith('/*') || !written.endsWith('*')) return { patterns: [written] }
  const stem = written.slice(0, -1)
  return {
    patterns: [stem, `${stem}/*`],
    but: `\`${written}\` is \`${stem}\` and all below it here; \`${stem}x\` was matched too, and is not any more`,
  }
}

const literal = /^(?:[\w/~%-]|\\[./-])+$/

/** The regular expressions that mean what a pattern says: `^/api/`, `^/api/.*$`, `^/info$`, `\.(js|css)$`. */
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
  return { but: 'routes here match by patterns such as `/api/*` and `*.map`, not by expressions' }
}

/** `jpe?g` → `jpeg`, `jpg` */
function spelledOut(word: string): readonly string[] {
  const optional = /^(\w*)(\w)\?(\w*)$/.exec(word)
  return optional ? [`${optional[1]}${optional[2]}${optional[3]}`, `${optional[1]}${optional[3]}`] : [word]
}

/** The expression for a UUID of version 4, however it is written: it has the dashes, the 4 and the variant in it. */
export function isUuidExpression(written: string): boolean {
  return written.length < 300 && /\{8\}-.*\{4\}-\[?4\]?.*\{3\}-\[[89abAB]+\].*\{3\}-.*\{12\}/.test(written)
}
