import { suggestion } from '../../../config/hints/suggest.ts'
import { type Check, keyPosition, quotedValue, valuePosition, wasLost } from '../../resolve/plan-context.ts'

/** A route may only name `users` that exist: a misspelt name would lock everyone out. */
export const routeUsers: Check = (context, report) => {
  const { users } = context.config
  const places = new Set<string>()
  for (const { route, path } of context.routes) {
    for (const [index, name] of (route.auth?.basic ?? []).entries()) {
      if (Object.hasOwn(users, name) || wasLost(context, ['users', name])) continue
      const where = [...path, 'auth', 'basic', index]
      // The routes of the dashboard share one place in the file.
      if (places.has(where.join('.'))) continue
      places.add(where.join('.'))
      report({
        code: 'unknown-user',
        at: valuePosition(context, where),
        message: `${quotedValue(context, where)} is not a user`,
        hint: suggestion(name, Object.keys(users), 'users') ?? 'add an entry of that name to `users`',
      })
    }
  }
}

/** Two users with one login name would have two passwords. */
export const userNames: Check = (context, report) => {
  const seen = new Map<string, string>()
  for (const [key, { name = key }] of Object.entries(context.config.users)) {
    const earlier = seen.get(name)
    if (earlier === undefined) seen.set(name, key)
    else
      report({
        code: 'contradiction',
        at: keyPosition(context, ['users', key]),
        message: `users \`${earlier}\` and \`${key}\` have the same name`,
        hint: 'give one of them another `name`, or remove it',
      })
  }
}
