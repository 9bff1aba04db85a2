/**
 * The embedded MongoDB, as far as its supervisor can tell: it takes MONGOD_RECOVERY milliseconds before it listens, and
 * MONGOD_STOP to end. As the real one it refuses a key that others may read; with MONGOD_BROKEN its data cannot be opened.
 */
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { listen, optionOf, sayCommandLine } from './listen.ts'

sayCommandLine('mongod')
const { MONGOD_RECOVERY = '0', MONGOD_STOP = '0', MONGOD_BROKEN } = process.env
if ((statSync(optionOf('--keyFile')).mode & 0o077) !== 0) {
  console.error('permissions on the key file are too open')
  process.exit(1)
}
if (MONGOD_BROKEN) {
  console.error('WiredTiger.turtle is damaged')
  process.exit(14)
}
await pause(Number(MONGOD_RECOVERY))
listen(
  createServer((socket) => socket.on('error', () => {}).end()),
  { port: Number(optionOf('--port')), stop: Number(MONGOD_STOP) },
)
