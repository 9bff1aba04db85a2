import { suggestion } from '../../../config/hints/suggest.ts'
import { type Check, isIntact, quotedValue, valuePosition } from '../../resolve/plan-context.ts'

/** A route may only name listeners that exist, and routes need at least one listener. */
export const routeListeners: Check = (context, report) => {
  const { content, listeners, routes } = context
  const known = content.declared.listeners
  if (!known) return
  const names = new Set([...known, ...listeners.map(({ name }) => name)])
  for (const { route, path } of routes) {
    for (const [index, name] of (route.listener ?? []).entries()) {
      if (names.has(name)) continue
      const where = [...path, 'listener', index]
      const hint = suggestion(name, [...names], 'listeners')
      report({
        code: 'unknown-listener',
        at: valuePosition(context, where),
        message: `${quotedValue(context, where)} is not a listener`,
        hint,
      })
    }
  }
  if (routes.length > 0 && listeners.length === 0 && isIntact(context, ['gateway', 'listeners'])) {
    report({
      code: 'unknown-listener',
      at: valuePosition(context, ['gateway', 'listeners']),
      message: 'there are routes, but `when` excludes every listener',
      hint: 'keep one listener without `when`, or guard the routes too',
    })
  }
}
