/** What sets up the replica set: done if somebody listens at MEMBER. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { sayCommandLine } from './listen.ts'

sayCommandLine('mongosh')
const [host = '', port] = (process.env.MEMBER ?? '').split(':')
await once(connect(Number(port), host), 'connect')
process.exit(0)
