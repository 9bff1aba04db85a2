/** Makes the schemas, if somebody listens where PostgreSQL should. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { optionOf, sayCommandLine } from './listen.ts'
import { remember } from './temporal-state.ts'

sayCommandLine('temporal-sql-tool')
await once(connect(Number(optionOf('--port')), optionOf('--endpoint')), 'connect')
remember('schema')
process.exit(0)
