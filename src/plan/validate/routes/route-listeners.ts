import { suggestion } from '../../../config/hints/suggest.ts'
import { type Check, isWhole, shown, valueAt } from '../../resolve/plan-context.ts'

/** A route may only name listeners that exist, and routes need one that listens. */
export const routeListeners: Check = (asked, report) => {
  const { content, listeners, routes } = asked
  const known = content.declared.listeners
  if (!known) return
  const names = new Set([...known, ...listeners.map(({ name }) => name)])
  for (const { route, path } of routes) {
    for (const [index, name] of (route.listener ?? []).entries()) {
      if (names.has(name)) continue
      const where = [...path, 'listener', index]
      const mend = suggestion(name, [...names], 'listeners')
      report({
        code: 'unknown-listener',
        at: valueAt(asked, where),
        message: `${shown(asked, where)} is not a listener`,
        mend,
      })
    }
  }
  if (routes.length > 0 && listeners.length === 0 && isWhole(asked, ['gateway', 'listeners'])) {
    report({
      code: 'unknown-listener',
      at: valueAt(asked, ['gateway', 'listeners']),
      message: 'there are routes, but `when` excludes every listener',
      mend: 'keep one listener without `when`, or guard the routes too',
    })
  }
}
