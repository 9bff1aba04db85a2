/** The Caddyfile of the reference deployment, imported, has every route of it. */
import { describe } from 'vitest'
import { imported } from './imported.ts'
import { routeTests } from './routes.ts'

describe('an imported Caddyfile', () => routeTests(imported))
