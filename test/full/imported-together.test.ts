/** The reference's Caddyfile and supervisord files, imported together: every row of its route table, with programs behind them. */
import { describe } from 'vitest'
import { part } from '../parts.ts'
import { together } from '../reference/imported-together.ts'
import { routeTests } from '../reference/routes.ts'

describe.skipIf(!part('redis-server'))('a Caddyfile and supervisord files, imported together', () =>
  routeTests(together),
)
