/** What a stranger writes about itself: no spelling of it reaches an upstream, and none decides who the client is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Asking, ask, logged, protocols, rawSocket, text } from '../../gateway/clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { mirror, rawUpstream, type Seen, valuesOf } from '../../gateway/upstreams.ts'

const forged = '203.0.113.99'
const mark = 'forged-by-the-client'

const forgeries: readonly (readonly [string, NonNullable<Asking['headers']>])[] = [
  ['X-Forwarded-For', { 'X-Forwarded-For': forged }],
  ['X-Forwarded-For twice', { 'X-Forwarded-For': [forged, `10.0.0.1, ${forged}`] }],
  ['X-Forwarded-For with the gateway at its end', { 'X-Forwarded-For': `${forged}, 127.0.0.1` }],
  ['X_Forwarded_For', { X_Forwarded_For: forged }],
  ['X.Forwarded.For', { 'X.Forwarded.For': forged }],
  ['X-Forwarded_For', { 'X-Forwarded_For': forged }],
  ['X-Forwarded-Host', { 'X-Forwarded-Host': mark }],
  ['X_Forwarded_Host', { X_Forwarded_Host: mark }],
  ['X-Forwarded-Proto', { 'X-Forwarded-Proto': mark }],
  ['X-Forwarded-Port', { 'X-Forwarded-Port': mark }],
  ['X-Forwarded-Prefix', { 'X-Forwarded-Prefix': mark }],
  ['X-Forwarded-Server', { 'X-Forwarded-Server': mark }],
  ['X-Forwarded-User', { 'X-Forwarded-User': mark }],
  ['Forwarded', { Forwarded: `for=${forged};host=${mark}` }],
  ['X-Real-IP', { 'X-Real-IP': forged }],
  ['X_Real_IP', { X_Real_IP: forged }],
  ['X-Client-IP', { 'X-Client-IP': forged }],
  ['X-Cluster-Client-IP', { 'X-Cluster-Client-IP': forged }],
  ['True-Client-IP', { 'True-Client-IP': forged }],
  ['CF-Connecting-IP', { 'CF-Connecting-IP': forged }],
  ['X-Original-URL', { 'X-Original-URL': `/${mark}` }],
  ['X-Rewrite-URL', { 'X-Rewrite-URL': `/${mark}` }],
  ['X-Original-Host', { 'X-Original-Host': mark }],
  ['Proxy', { Proxy: mark }],
  ['X-Original-URI', { 'X-Original-URI': mark }],
  ['X-Original-Forwarded-For', { 'X-Original-Forwarded-For': mark }],
  ['X-Original-Method', { 'X-Original-Method': mark }],
  ['Client-IP', { 'Client-IP': mark }],
  ['X-Scheme', { 'X-Scheme': mark }],
  ['X-Url-Scheme', { 'X-Url-Scheme': mark }],
  ['Front-End-Https', { 'Front-End-Https': mark }],
  ['X-Forwarded', { 'X-Forwarded': mark }],
  ['Forwarded-For', { 'Forwarded-For': mark }],
  ['X-Forwarded-Ssl', { 'X-Forwarded-Ssl': mark }],
  ['X-Forwarded-Scheme', { 'X-Forwarded-Scheme': mark }],
  ['X-Forwarded-Path', { 'X-Forwarded-Path': mark }],
  ['X-Forwarded-Email', { 'X-Forwarded-Email': mark }],
  ['X-Forwarded-Client-Cert', { 'X-Forwarded-Client-Cert': mark }],
  ['X-Remote-Addr', { 'X-Remote-Addr': mark }],
  ['X-Remote-User', { 'X-Remote-User': mark }],
  ['Remote-User', { 'Remote-User': mark }],
  ['Remote-Groups', { 'Remote-Groups': mark }],
  ['X-Originating-IP', { 'X-Originating-IP': mark }],
  ['X-ProxyUser-Ip', { 'X-ProxyUser-Ip': mark }],
  ['WL-Proxy-Client-IP', { 'WL-Proxy-Client-IP': mark }],
  ['Fastly-Client-IP', { 'Fastly-Client-IP': mark }],
  ['Fly-Client-IP', { 'Fly-Client-IP': mark }],
  ['X-Azure-ClientIP', { 'X-Azure-ClientIP': mark }],
  ['X-ARR-ClientCert', { 'X-ARR-ClientCert': mark }],
  ['X-MS-CLIENT-PRINCIPAL', { 'X-MS-CLIENT-PRINCIPAL': mark }],
  ['X-Envoy-External-Address', { 'X-Envoy-External-Address': mark }],
  ['X-Amzn-Oidc-Identity', { 'X-Amzn-Oidc-Identity': mark }],
  ['X-Auth-Request-Email', { 'X-Auth-Request-Email': mark }],
  ['X-WebAuth-User', { 'X-WebAuth-User': mark }],
  ['Tailscale-User-Login', { 'Tailscale-User-Login': mark }],
  ['SSL-Client-Verify', { 'SSL-Client-Verify': mark }],
  ['X-SSL-Client-Cert', { 'X-SSL-Client-Cert': mark }],
  ['Client-Cert', { 'Client-Cert': mark }],
  ['X-Client-Cert', { 'X-Client-Cert': mark }],
  ['X-Host', { 'X-Host': mark }],
  ['X-HTTP-Host-Override', { 'X-HTTP-Host-Override': mark }],
  ['X-Script-Name', { 'X-Script-Name': mark }],
  ['X-Sendfile-Type', { 'X-Sendfile-Type': mark }],
  ['X-Accel-Mapping', { 'X-Accel-Mapping': mark }],
  ['X-Middleware-Subrequest', { 'X-Middleware-Subrequest': mark }],
  ['CF-Visitor', { 'CF-Visitor': mark }],
  ['CloudFront-Forwarded-Proto', { 'CloudFront-Forwarded-Proto': mark }],
  ['the request id, as it is not accepted', { 'X-Request-Id': mark }],
  ['the request id under an alias', { X_Request_Id: '0d5c8a3e-2b1f-4c6d-9e8f-7a6b5c4d3e2f', X_Mark: mark }],
  ['the internal id', { 'X-Internal-Id': mark }],
  ['the internal id under an alias', { 'X.Internal.Id': mark }],
  ['a header that the config removes', { 'X-Appsmith-Mcp-Internal': mark }],
  ['the same under an alias', { X_Appsmith_Mcp_Internal: mark }],
  ['a header that the config sets', { 'X-Set': mark }],
  ['a CGI variable', { HTTP_X_FORWARDED_FOR: forged }],
]

let gateway: RunningGateway

beforeAll(async () => {
  const behind = await mirror()
  gateway = await startGateway({
    requestHeaders: { 'x-appsmith-mcp-internal': null, 'x-set': 'gateway' },
    requestId: { header: 'x-request-id', accept: 'uuid-v4', internal: 'x-internal-id' },
    routes: [proxyTo(behind.port)],
  })
})
afterAll(cleanUp)

describe.each(protocols)('over %s', (protocol) => {
  it.each(forgeries)('%s', async (name, headers) => {
    const path = `/${protocol}/${encodeURIComponent(name)}`
    const { status, body } = await ask(gateway, protocol, { path, headers })
    expect(status).toBe(200)
    const seen = JSON.parse(body) as Seen
    const received = JSON.stringify(seen.headers)
    expect(received).not.toContain(forged)
    expect(received).not.toContain(mark)
    expect(valuesOf(seen, 'x-forwarded-for')).toEqual(['127.0.0.1'])
    expect(valuesOf(seen, 'x-forwarded-proto')).toEqual([logged[protocol].tls ? 'https' : 'http'])
    const record = await gateway.waitForRecord((one) => one.path === path)
    expect(record).toMatchObject({ ...logged[protocol], client: '127.0.0.1', status: 200 })
  })
})

it.each(forgeries)('in an upgrade: %s', async (_, headers) => {
  const seen: string[] = []
  const behind = await rawUpstream((socket) => {
    socket.once('data', (bytes) => {
      seen.push(bytes.toString('latin1'))
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
    })
  })
  const own = await startGateway({
    requestHeaders: { 'x-appsmith-mcp-internal': null, 'x-set': 'gateway' },
    requestId: { header: 'x-request-id', accept: 'uuid-v4', internal: 'x-internal-id' },
    routes: [proxyTo(behind.port)],
  })
  const lines = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => `${name}: ${value}\r\n`),
  )
  const socket = rawSocket(own.http)
  socket.write(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${lines.join('')}\r\n`,
  )
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 403 /)
  expect(seen[0]).not.toContain(forged)
  expect(seen[0]).not.toContain(mark)
  expect(await own.waitForRecord(() => true)).toMatchObject({ client: '127.0.0.1', status: 403 })
})
