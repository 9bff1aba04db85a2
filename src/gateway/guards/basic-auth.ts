import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { PasswordHashes } from '../../plan/model/guards.ts'
import type { Denial, Guard } from './guard.ts'

const challenge = ['www-authenticate', 'Basic realm="gatehouse", charset="UTF-8"']

/**
 * RFC 7617. `users` are the names that may pass. Authorization is not sent on to upstreams. Throws if a user has no
 * password, so that the plan is refused.
 */
export function basicAuth(users: readonly string[], passwords: PasswordHashes): Guard {
  const known = new Map(
    users.map((name) => {
      const hash = passwords[name]
      if (!hash) throw new Error(`user ${name} has no password`)
      return [name, Buffer.from(hash, 'hex')]
    }),
  )
  // Compared if the name is unknown, so that timing does not reveal which names exist.
  const unknownUser = randomBytes(32)
  return (exchange) => {
    const given = credentialsOf(exchange.request.headers.authorization)
    if (!given) return denial('no user and password')
    const hash = createHash('sha256').update(given.password).digest()
    const expected = known.get(given.name)
    if (!timingSafeEqual(hash, expected ?? unknownUser) || !expected) return denial('wrong user or password')
    exchange.replaceHeader('authorization', null)
    return 'pass'
  }
}

function denial(cause: string): Denial {
  return { status: 401, cause, headers: challenge }
}

interface Credentials {
  readonly name: string
  readonly password: string
}

function credentialsOf(authorization: string | undefined): Credentials | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/_-]+={0,2}) *$/i.exec(authorization ?? '') ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon === -1 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) }
}
