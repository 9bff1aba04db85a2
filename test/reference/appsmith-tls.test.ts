/** config/appsmith.yaml has every TLS row of the reference deployment. */
import { describe } from 'vitest'
import { singleContainer } from './single-container.ts'
import { tlsTests } from './tls.ts'

describe('config/appsmith.yaml', () => tlsTests(singleContainer))
