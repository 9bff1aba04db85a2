/** config/sidecar.yaml has every TLS row of the reference deployment. */
import { describe } from 'vitest'
import { sidecar } from './sidecar.ts'
import { tlsTests } from './tls.ts'

describe('config/sidecar.yaml', () => tlsTests(sidecar))
