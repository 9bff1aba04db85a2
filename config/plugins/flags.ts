/**
 * Feature flags: `GET /` says which features a visitor has. A visitor keeps them, since a signed cookie names it, and
 * each feature reaches the given percentage of all visitors.
 */
import { createHash, randomUUID } from 'node:crypto'
import cookie from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

interface FlagsOptions {
  /** Signs the cookie. */
  readonly secret: string
  /** Percentages by name of the feature; options arrive as text. */
  readonly features: Readonly<Record<string, string>>
}

const year = 365 * 24 * 3_600

export default async function flags(app: FastifyInstance, { secret, features }: FlagsOptions): Promise<void> {
  const shares = Object.entries(features).map(([name, text]) => ({ name, share: percentage(name, text) }))
  await app.register(cookie, { secret })

  app.get('/', async (request, reply) => {
    const visitor = visitorOf(request, reply)
    reply.header('cache-control', 'no-store')
    return Object.fromEntries(shares.map(({ name, share }) => [name, draw(name, visitor) < share]))
  })
}

/** A mistake in the config file is refused when it is loaded, with the place of this plugin in it. */
function percentage(name: string, text: string): number {
  const share = Number(text)
  if (!(share >= 0 && share <= 100)) throw new Error(`feature ${name}: expected a percentage from 0 to 100`)
  return share
}

function visitorOf(request: FastifyRequest, reply: FastifyReply): string {
  const { valid, value } = request.unsignCookie(request.cookies.visitor ?? '')
  if (valid && value !== null) return value
  const visitor = randomUUID()
  reply.setCookie('visitor', visitor, {
    signed: true,
    httpOnly: true,
    sameSite: 'lax',
    secure: request.exchange.scheme === 'https',
    path: '/',
    maxAge: year,
  })
  return visitor
}

/** Evenly distributed from 0 to below 100; the same for the same visitor and feature. */
function draw(feature: string, visitor: string): number {
  const digest = createHash('sha256').update(`${feature} ${visitor}`).digest()
  return (digest.readUInt32BE() / 2 ** 32) * 100
}
