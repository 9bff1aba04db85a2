/** What may stand in a request's way: of the whole gateway, and of one route. */
import { byteSize, integer, positiveDuration } from './scalars.ts'
import { mapping } from './structures.ts'

const requestBody = byteSize.describe('Longest body of a request; a longer one is answered 413')

export const limitsSchema = mapping({
  requestBody: requestBody.prefault('150MB'),
  requestHeaders: byteSize.describe('Longest head of a request; a longer one is answered 431').prefault('16KB'),
  headerTimeout: positiveDuration.describe('Longest time for a head to arrive').prefault('10s'),
  idleTimeout: positiveDuration
    .describe('How long a connection without a request stays open; longer than that of a load balancer in front')
    .prefault('75s'),
  stallTimeout: positiveDuration
    .describe('How long a body under way may stand still; event streams and WebSockets may for ever')
    .prefault('60s'),
  connections: integer('a number of connections from 1 to 1000000', 1, 1_000_000)
    .describe('Open at one time, over all listeners; further ones are refused')
    .prefault('10000'),
}).prefault({})

/** Keys of a route; each is laid over the gateway's. */
export const routeGuards = {
  limits: mapping({ requestBody: requestBody.optional() }).describe("Instead of the gateway's").optional(),
}
