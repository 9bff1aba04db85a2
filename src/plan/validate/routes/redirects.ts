import { isPlaceholder } from '../../patterns/placeholders.ts'
import { type Check, quotedValue, valuePosition } from '../../resolve/plan-context.ts'
import { placeholderHint } from './headers.ts'

/** A redirect leads to a path or a URL and uses known placeholders only. */
export const redirects: Check = (context, report) => {
  for (const { route, path } of context.routes) {
    if (!route.redirect) continue
    const where = [...path, 'redirect', 'to']
    const { to } = route.redirect
    const problem = (message: string, hint: string) =>
      report({
        code: 'wrong-value',
        at: valuePosition(context, where),
        message: `${quotedValue(context, where)} ${message}`,
        hint,
      })
    if (!/^(\/|https?:\/\/|\{(uri|path)\}|\{scheme\}:\/\/)/i.test(to) || /\s/.test(to))
      problem('is neither a path nor a URL', 'begin with `/`, `https://` or `{scheme}://`')
    for (const [, name = ''] of to.matchAll(/\{([^}]*)\}/g)) {
      if (!isPlaceholder(name)) problem('has an unknown placeholder', placeholderHint(name))
    }
  }
}
