/** Replaces Backend.java if there is no JDK: the same API, but it says that it is not the Java one. */
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

const longestWait = 60_000

const routes = {
  '/api/v1/health': (_request, response) => json(response, { status: 'up' }),

  '/api/hello': (request, response) =>
    json(response, {
      greeting: 'Hello from Node, standing in for Java: no JDK is installed',
      language: 'node',
      version: process.versions.node,
      pid: process.pid,
      uptimeSeconds: process.uptime(),
      seen: {
        protocol: request.headers['x-forwarded-proto'] ?? null,
        client: request.headers['x-forwarded-for'] ?? null,
        requestId: request.headers['x-request-id'] ?? null,
      },
    }),

  '/api/slow': async (_request, response, query) => {
    const waited = Math.min(Math.max(Number.parseInt(query.get('ms'), 10) || 0, 0), longestWait)
    await sleep(waited)
    json(response, { waited })
  },

  '/api/echo': (request, response) => {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    request.pipe(response)
  },
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, 'http://backend')
  const route = Object.hasOwn(routes, pathname) ? routes[pathname] : undefined
  if (route) route(request, response, searchParams)
  else json(response, { error: `no such resource: ${pathname}` }, 404)
})

server.listen(Number(process.env.PORT), '127.0.0.1', () => {
  console.log(`no JDK is installed: Node ${process.versions.node} replaces Java on port ${process.env.PORT}`)
})

// Open requests are answered; then nothing keeps the process alive, and it exits with 0.
process.once('SIGTERM', () => server.close())

function json(response, body, status = 200) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
