/**
 * The MCP server's place: the reference server that exercises the whole protocol, behind the SDK's own streamable HTTP. What
 * the package starts by itself has no /health and listens on every address, so that its door is ours.
 */
import { randomUUID } from 'node:crypto'
import { createServer as createHttpServer } from 'node:http'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createServer } from '@modelcontextprotocol/server-everything/dist/server/index.js'

const sessions = new Map()

async function sessionOf(request) {
  const id = request.headers['mcp-session-id']
  if (id !== undefined) return sessions.get(id)
  const { server, cleanup } = createServer()
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (began) => void sessions.set(began, transport),
    onsessionclosed: (ended) => {
      sessions.delete(ended)
      cleanup(ended)
    },
  })
  await server.connect(transport)
  return transport
}

const http = createHttpServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  if (pathname === '/health' || pathname === '/mcp/health') return void response.end('{"status":"ok"}')
  if (pathname !== '/mcp') return void response.writeHead(404).end()
  const session = await sessionOf(request)
  if (session === undefined) return void response.writeHead(404).end('no such session')
  await session.handleRequest(request, response)
})
http.listen(Number(process.env.APPSMITH_MCP_PORT ?? 8092), '127.0.0.1')
process.once('SIGTERM', () => {
  http.close(() => process.exit(0))
  http.closeAllConnections()
})
