/**
 * The backend: answers with what it was asked, `/api/v1/health` too. Each request to `/unwell` makes one more of the health
 * checks that follow fail; BACKEND_BOOT is the time in milliseconds until it listens.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { makeUpstream } from '../upstream.ts'
import { listen, optionOf, sayCommandLine } from './listen.ts'

sayCommandLine('java')
const server = makeUpstream('backend')
let unwell = 0
server.prependListener('request', ({ url }, response) => {
  if (url === '/unwell') unwell += 1
  if (url !== '/api/v1/health' || unwell === 0) return
  unwell -= 1
  console.log('unwell')
  response.statusCode = 503
})
await pause(Number(process.env.BACKEND_BOOT ?? 0))
listen(server, { port: Number(optionOf('-Dserver.port')), exitCode: 143 })
