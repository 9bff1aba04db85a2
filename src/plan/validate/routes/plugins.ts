/** Plugins are code of the user's that Gatehouse runs itself: they must exist, and no other user may change them. */
import { deepest } from '../../../config/yaml/located.ts'
import { codeOf } from '../../../shared/errors.ts'
import type { ActiveRoute } from '../../resolve/gateway/active-routes.ts'
import {
  absolute,
  type Check,
  keyPosition,
  type PlanContext,
  valuePosition,
  writtenName,
} from '../../resolve/plan-context.ts'

const loadable = /\.(?:[cm]?[jt]s)$/

export const plugins: Check = (context, report) => {
  for (const active of context.routes) {
    if (active.route.plugin === undefined) continue
    checkFile(context, active, report)
    checkTimeouts(context, active, report)
  }
}

const checkFile: CheckRoute = (context, { route, path }, report) => {
  const where = [...path, 'plugin', 'file']
  const file = absolute(context, route.plugin?.file ?? '')
  const problem = (message: string, hint: string, code: 'missing-file' | 'untrusted-file' = 'missing-file') =>
    report({
      code,
      at: valuePosition(context, where),
      message: `plugin ${writtenName(context, where)} ${message}`,
      hint,
    })
  const kind = context.facts.kindOf(file)
  if (kind === 'absent') return problem('does not exist', pathHint)
  if (kind !== 'file') return problem(kind === 'directory' ? 'is a folder' : 'is not a regular file', pathHint)
  if (!loadable.test(file))
    return problem('is neither JavaScript nor TypeScript', 'its name ends in .js, .mjs, .cjs, .ts, .mts or .cts')
  try {
    const risk = context.facts.readUntrusted?.(file).risk
    if (risk !== undefined)
      problem(
        `${risk}: anyone who can write it can run code with the rights of Gatehouse`,
        'let only the user of Gatehouse and root write it and its folder (`chown`, `chmod go-w`)',
        'untrusted-file',
      )
  } catch (error) {
    problem(`cannot be read: ${codeOf(error)}`, 'give Gatehouse permission to read it')
  }
}

const pathHint = 'name a file; paths are relative to the folder of this file'

/** A plugin is not connected to, so of the two timeouts only that of the response applies. */
const checkTimeouts: CheckRoute = (context, { path }, report) => {
  const where = [...path, 'timeouts', 'connect']
  if (deepest(context.content.tree, where).steps < where.length) return
  report({
    code: 'contradiction',
    at: keyPosition(context, where),
    message: '`connect` has no effect on a route with `plugin`',
    hint: 'remove it: a plugin runs in the gateway itself; `response` limits the time until it answers',
  })
}

type CheckRoute = (context: PlanContext, active: ActiveRoute, report: Parameters<Check>[1]) => void
