/**
 * The embedded MongoDB, as far as its supervisor can tell: it does not listen before the file MONGOD_RECOVERED is there,
 * and takes MONGOD_STOP milliseconds to end. As the real one it refuses a key that others may read; with MONGOD_BROKEN its data cannot be opened.
 */
import { statSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileAt, listen, optionOf, sayCommandLine, variablesOfParent } from './listen.ts'

sayCommandLine('mongod')
const { MONGOD_RECOVERED, MONGOD_STOP = '0', MONGOD_BROKEN } = variablesOfParent()
if ((statSync(optionOf('--keyFile')).mode & 0o077) !== 0) {
  console.error('permissions on the key file are too open')
  process.exit(1)
}
if (MONGOD_BROKEN) {
  console.error('WiredTiger.turtle is damaged')
  process.exit(14)
}
await fileAt(MONGOD_RECOVERED)
listen(
  createServer((socket) => socket.on('error', () => {}).end()),
  { port: Number(optionOf('--port')), stop: Number(MONGOD_STOP) },
)
