/** config/appsmith.yaml has every route of the reference deployment. */
import { describe } from 'vitest'
import { part } from '../parts.ts'
import { routeTests } from './routes.ts'
import { singleContainer } from './single-container.ts'

const parts = part('postgres') && part('redis-server')

describe.skipIf(!parts)('config/appsmith.yaml', () => routeTests(singleContainer))
