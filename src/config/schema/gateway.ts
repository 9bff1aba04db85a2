import { z } from 'zod'
import { address } from './addresses.ts'
import { headersSchema, routeSchema } from './route.ts'
import { boolean, choice, headerName, text } from './scalars.ts'
import { listOf, mapping, named } from './structures.ts'

const listenerSchema = mapping({
  address: address.describe('`:8080` is all addresses; port 0 is any free one'),
  tls: boolean.default(false),
})

const accessLogSchema = z.union([
  boolean,
  mapping({
    skip: listOf(text('a path pattern'), 'a list of path patterns')
      .describe('Paths whose requests are not logged')
      .optional(),
  }),
])

export const gatewaySchema = mapping({
  listeners: named(listenerSchema).describe('Default, if there are routes: `http` on `:80`').prefault({}),
  requestId: mapping({
    header: headerName.prefault('X-Request-Id'),
    accept: choice(['uuid-v4', 'none'])
      .describe("`uuid-v4`: a client's own id is kept if it is one; `none`: always a new one")
      .prefault('uuid-v4'),
  }).prefault({}),
  response: mapping({ headers: headersSchema.prefault({}) })
    .describe('Headers of every response; null removes')
    .prefault({}),
  accessLog: accessLogSchema.describe('`false` turns it off').default(true),
  routes: z
    .array(routeSchema, { error: () => 'a list of routes' })
    .describe('The first that matches wins')
    .prefault([]),
})

export type GatewayConfig = z.output<typeof gatewaySchema>
