import { type Check, isIntact, valuePosition } from '../resolve/plan-context.ts'

/** A file with nothing to do is a mistake: perhaps the wrong file, or a `when` that never holds. */
export const somethingToDo: Check = (context, report) => {
  const { routes, config, content } = context
  if (routes.length > 0 || Object.keys(config.processes).length > 0) return
  if (!isIntact(context, ['processes']) || !isIntact(context, ['gateway'])) return
  const excludes = content.excluded.processes.size > 0 || config.gateway.routes.length > 0
  report({
    code: 'nothing-to-do',
    at: valuePosition(context, []),
    message: excludes
      ? 'nothing to do: `when` excludes every process and route'
      : 'nothing to do: no route and no process',
    hint: 'the smallest useful file is one route: `gateway: { routes: [{ files: { root: ./public } }] }`',
  })
}
