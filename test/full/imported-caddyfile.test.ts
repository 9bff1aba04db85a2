/** A Caddyfile, run by Caddy and imported by Gatehouse, in front of the same upstreams: each request gets the same answer. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importFiles } from '../../src/import/import-files.ts'
import { yamlText } from '../../src/import/yaml-text.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { source, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'
import { type Answer, ask, basic, type Options } from '../reference/asking.ts'
import { putFiles, type Variables } from '../reference/site.ts'
import { makeUpstream } from '../reference/upstream.ts'

const caddyfile = join(import.meta.dirname, '../fixtures/import/compared.caddyfile')

const files: Variables = {
  'www/index.html': 'index',
  'www/app.html': 'the app',
  'www/about.html': 'about',
  'www/style.css': 'body {}',
  'www/assets/a.js': 'a',
  'www/assets/a.css': 'a {}',
  'www/with space.txt': 'space',
  'info.json': '{"version":1}',
  'wiki/start.html': 'start of the wiki',
  'wiki/plain': 'plain page',
  'two/deep.txt': 'deep',
  'two/index.html': 'two',
}

interface Case extends Options {
  readonly path: string
}

const [one, two] = ['one.example', 'a.two.example']

const requests: readonly Case[] = [
  ...['/about.html', '/style.css', '/assets/a.js', '/assets/gone.js', '/with%20space.txt'],
  ...[
    '/docs',
    '/docs/',
    '/go/far?x=1',
    '/info',
    '/info?x=1',
    '/any/page',
    '/any.css',
    '/api',
    '/api/',
    '/api/users?x=%2F',
    '/login',
    '/login/x',
  ],
  ...[
    '/old/page?x=1',
    '/old/',
    '/old',
    '/ops/x',
    '/forms/a',
    '/forms/open/a',
    '/hidden/x',
    '/hidden',
    '/wiki/start',
    '/wiki/plain',
    '/wiki/gone',
  ],
  ...['/routed/first', '/routed/other', '/blog/today?page=2', '/', '/app.html', '/app/x'],
].map((path) => ({ path }))

const others: readonly Case[] = [
  { path: '/about.html', method: 'HEAD' },
  { path: '/about.html', headers: { range: 'bytes=1-2' } },
  { path: '/app/x', headers: { 'x-agent': 'older' } },
  { path: '/app/x', headers: { 'x-agent': 'new' } },
  { path: '/api/x', method: 'PATCH', body: 'text', headers: { 'x-secret': 'mine' } },
  { path: '/ops/x', ...basic('ops', 'wrong') },
  { path: '/ops/x', ...basic('ops', 'open sesame') },
  { path: '/forms/a', method: 'POST' },
  { path: '/forms/open/a', method: 'POST' },
  { path: '/forms/a', method: 'DELETE' },
  ...['/', '/api/x', '/about.html', '/docs'].map((path) => ({ path, host: one })),
  { path: '/x', host: 'ONE.example' },
  ...['/', '/index.html', '/deep/x', '/deep/er/x', '/deep.txt', '/gone', '/closed', '/closed/x'].map((path) => ({
    path,
    host: two,
  })),
  { path: '/anything', host: two, headers: { 'x-version': '2.5' } },
  { path: '/anything', host: two, headers: { 'x-version': '3' } },
  { path: '/about.html', host: 'two.example' },
]

describe.skipIf(!part('caddy'))('a Caddyfile and what is imported of it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-imported-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  let ports: { readonly caddy: number; readonly ours: number }

  beforeAll(async () => {
    putFiles(folder, files)
    const [caddy = 0, ours = 0] = await freePorts(2)
    ports = { caddy, ours }
    const env = { SITE: folder, ONE: await upstream('one'), TWO: await upstream('two') }
    await startCaddy({ ...env, PORT: `${caddy}` })
    await startOurs({ ...env, PORT: `${ours}`, OPS_PASSWORD: 'open sesame' })
  }, 60_000)
  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })

  async function upstream(name: string): Promise<string> {
    const server = makeUpstream(name).listen(0, '127.0.0.1')
    ends.push(() => server.close().closeAllConnections())
    await once(server, 'listening')
    return String((server.address() as AddressInfo).port)
  }

  async function startCaddy(env: Variables): Promise<void> {
    const words = ['run', '--config', caddyfile, '--adapter', 'caddyfile']
    const child = spawn(part('caddy') ?? '', words, {
      env: { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const exited = once(child, 'exit')
    ends.push(() => {
      child.kill()
      return exited
    })
    const said: string[] = []
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line)
      if (line.includes('serving initial configuration')) {
        child.stderr.resume()
        return
      }
    }
    throw new Error(`Caddy did not start: ${said.join('\n')}`)
  }

  async function startOurs(env: Variables): Promise<void> {
    const text = readFileSync(caddyfile, 'utf8')
    const around = { readFile: () => undefined, glob: () => [], environment: env }
    const { config, comments } = importFiles([{ file: caddyfile, text, kind: 'caddyfile' }], around)
    const whole = { version: 1, ...config, control: { socket: './control.sock' }, storage: './storage' }
    const gatehouse = startGatehouse({ command: source, config: yamlText(whole, comments, []), env })
    ends.push(() => gatehouse.stop())
    await gatehouse.waitFor({ message: 'listening' })
  }

  it.each([...requests, ...others].map((one) => [titleOf(one), one] as const))(
    '%s',
    async (_, { path, ...options }) => {
      const theirs = await ask(ports.caddy, path, options)
      const answer = await ask(ports.ours, path, options)
      expect(comparable(answer)).toEqual(comparable(theirs))
    },
  )
})

function titleOf({ method = 'GET', host = '', path, headers = {} }: Case): string {
  return [method, `${host}${path}`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)].join(' ')
}

/** What clients act on. Ids and dates are each program's own, and so are the headers and words of an error. */
function comparable({ status, headers, body }: Answer) {
  const { location, server, 'cache-control': cache, 'x-site': site, 'x-kind': kind, 'x-powered-by': powered } = headers
  const shown = { location, server, cache, site, kind, powered, range: headers['content-range'] }
  if (status >= 400) return { status, isText: /^(\d{3} [\w ]+)?$/.test(body.trim()) }
  return { status, ...shown, body: comparableBody(body) }
}

function comparableBody(body: string): unknown {
  if (!body.startsWith('{"upstream"')) return body.trim()
  const { upstream, method, url, headers } = JSON.parse(body)
  return {
    upstream,
    method,
    url,
    from: headers['x-from'],
    secret: headers['x-secret'],
    proto: headers['x-forwarded-proto'],
  }
}
