import type { Report } from '../../../config/diagnostics.ts'
import { numberOf, readAccounts } from '../../../shared/system/accounts.ts'
import {
  type Check,
  keyPosition,
  type PlanContext,
  quotedValue,
  valuePosition,
  wasLost,
} from '../../resolve/plan-context.ts'

/** Users and groups of processes. Only a warning where one is missing: the file may be checked on another machine. */
export const accounts: Check = (context, report) => {
  const known = readAccounts((path) => context.facts.read(path))
  for (const [name, { user, groups }] of Object.entries(context.config.processes)) {
    const own = ['processes', name]
    if (groups && !user && !wasLost(context, [...own, 'user'])) {
      report({
        code: 'contradiction',
        at: keyPosition(context, [...own, 'groups']),
        message: `\`groups\` needs a \`user\`, and \`${name}\` has none`,
        hint: 'set the user as well: `user: app`',
      })
    }
    if (user) {
      const account = known.user(user.name)
      const where = [...own, 'user']
      if (!account && numberOf(user.name) === undefined) missing(context, { what: 'user', where }, report)
      else if (!account && user.group === undefined) {
        report({
          severity: 'warning',
          code: 'unknown-account',
          at: valuePosition(context, where),
          message: `${quotedValue(context, where)} is not in /etc/passwd here, so its group is unknown`,
          hint: 'name the group too: `"1000:1000"`',
        })
      }
      if (user.group !== undefined && known.group(user.group) === undefined)
        missing(context, { what: 'group', where }, report)
    }
    for (const [index, group] of (groups ?? []).entries()) {
      if (known.group(group) === undefined)
        missing(context, { what: 'group', where: [...own, 'groups', index] }, report)
    }
  }
}

function missing(
  context: PlanContext,
  { what, where }: { readonly what: 'user' | 'group'; readonly where: readonly (string | number)[] },
  report: Report,
): void {
  report({
    severity: 'warning',
    code: 'unknown-account',
    at: valuePosition(context, where),
    message: `${quotedValue(context, where)} names a ${what} that does not exist on this machine`,
    hint: `create it where the process runs: \`${what}add --system NAME\``,
  })
}
