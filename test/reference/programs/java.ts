/**
 * The backend: answers with what it was asked, `/api/v1/health` too. Each request to `/unwell` makes one more of the health
 * checks that follow fail. It does not listen before the file BACKEND_BOOTED is there.
 */
import { makeUpstream } from '../upstream.ts'
import { fileAt, listen, optionOf, sayCommandLine } from './listen.ts'

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
await fileAt(process.env.BACKEND_BOOTED)
listen(server, { port: Number(optionOf('-Dserver.port')), exitCode: 143 })
