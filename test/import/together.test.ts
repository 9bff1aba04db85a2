/** What only shows when several foreign files become one configuration. */
import { describe, expect, it } from 'vitest'
import type { Entries } from '../../src/import/reading.ts'
import { importTexts } from './importing.ts'

const caddyfile = (...lines: readonly string[]) => [':80 {', ...lines.map((line) => `\t${line}`), '}', ''].join('\n')
const supervisord = (name: string, command: string, ...more: readonly string[]) =>
  [`[program:${name}]`, `command=${command}`, 'directory=/', 'autorestart=true', ...more, ''].join('\n')

function routes({ config }: ReturnType<typeof importTexts>) {
  return (config.gateway as Entries).routes
}

describe('a route to a port of this machine', () => {
  it('leads to the program that is known to listen there', () => {
    const read = importTexts({
      Caddyfile: caddyfile('reverse_proxy /api/* localhost:3000'),
      'supervisord.conf': supervisord('api', 'serve --port 3000'),
    })
    expect(routes(read)).toMatchObject([{ path: '/api/*', to: 'api' }])
    expect(read.config.processes).toEqual({
      api: { command: ['serve', '--port', '3000'], port: 3000, directory: '/', ready: { tcp: 3000 } },
    })
    expect(read.lines).toContain(
      'supervisord.conf:1:1: note: routes to port 3000 lead to `api`, which also gets it as PORT and is ready when it listens',
    )
  })

  it.each([
    ['no process is known to', supervisord('api', 'serve')],
    ['two could', supervisord('a', 'serve --port 3000') + supervisord('b', 'serve --port=3000')],
    ['a client names another host’s', supervisord('a', 'ask --host db.example --port 3000')],
    ['the port comes from a variable', supervisord('a', 'serve --port %(ENV_P)s')],
  ])('stays an address where %s', (_, conf) => {
    const read = importTexts({ Caddyfile: caddyfile('reverse_proxy /api/* 127.0.0.1:3000'), 'supervisord.conf': conf })
    expect(routes(read)).toMatchObject([{ to: 'http://127.0.0.1:3000' }])
  })

  it('leads to the service that had this name among containers', () => {
    const read = importTexts({
      Caddyfile: caddyfile(
        'reverse_proxy /api/* api:3000',
        'reverse_proxy /debug/* api:9229',
        'reverse_proxy /x/* db:80',
      ),
      'compose.yaml': 'services:\n  api: { command: serve, expose: [3000] }\n  db: { image: db }\n',
    })
    expect(routes(read)).toMatchObject([
      { path: '/debug/*', to: 'http://127.0.0.1:9229' },
      { path: '/api/*', to: 'api' },
      { path: '/x/*', to: 'http://db:80' },
    ])
    expect(read.config.processes).toMatchObject({ api: { port: 3000, ready: { tcp: 3000 } } })
  })
})

describe('an upstream of one target', () => {
  const proxied = (...options: readonly string[]) =>
    caddyfile('handle /api/* {', '\treverse_proxy localhost:3000 {', ...options, '\t}', '}')
  const health = ['health_uri /health', 'health_interval 5s', 'health_fails 4']

  it('that is a process becomes the process, which is ready when the target was healthy', () => {
    const { config } = importTexts({ Caddyfile: proxied(...health), 'a.conf': supervisord('web', 'serve --port 3000') })
    expect(config).toMatchObject({
      gateway: { routes: [{ path: '/api/*', to: 'web' }] },
      processes: { web: { port: 3000, ready: { http: '/health', every: '5s', failures: 4 } } },
    })
    expect(config).not.toHaveProperty('upstreams')
  })

  it('keeps what the process is asked by already', () => {
    const { config } = importTexts({
      Caddyfile: caddyfile('reverse_proxy web:3000 {', ...health, '}'),
      'compose.yaml': 'services: { web: { command: serve, healthcheck: { test: [CMD, ask] } } }',
    })
    expect(config).toMatchObject({
      gateway: { routes: [{ to: 'web' }] },
      processes: { web: { port: 3000, ready: { exec: ['ask'] } } },
    })
  })

  it('stays if no process is known to be it', () => {
    const { config } = importTexts({ Caddyfile: proxied(...health), 'a.conf': supervisord('web', 'serve') })
    expect(config).toMatchObject({ upstreams: { api: { targets: ['http://localhost:3000'] } } })
  })
})

describe('the web server that was supervised', () => {
  const conf =
    supervisord('web', 'caddy run --config /etc/caddy/Caddyfile', 'priority=1') +
    supervisord('job', 'job', 'priority=2')

  it('is left out beside its own file, with dependencies on it', () => {
    const { config, lines } = importTexts({ Caddyfile: caddyfile('respond 204'), 'a.conf': conf })
    expect(config.processes).toEqual({ job: { command: ['job'], directory: '/' } })
    expect(lines).toContain('a.conf:1:1: changed: `web` runs the web server that `gateway` replaces: it is left out')
  })

  it('stays without it', () => {
    const { config } = importTexts({ 'a.conf': conf })
    expect(Object.keys(config.processes as Entries)).toEqual(['web', 'job'])
  })
})

describe('the page of supervisord', () => {
  const conf = '[inet_http_server]\nport=127.0.0.1:9001\nusername=ops\npassword=%(ENV_PASSWORD)s\n'

  it('is the dashboard, where the route to it was', () => {
    const read = importTexts({
      Caddyfile: caddyfile(
        'handle_path /ops/* {',
        '\treverse_proxy localhost:9001',
        '}',
        'reverse_proxy /api/* localhost:3000',
      ),
      'a.conf': conf,
    })
    expect(routes(read)).toMatchObject([{ to: 'http://localhost:3000' }])
    expect(read.config.control).toEqual({ dashboard: { path: '/ops', auth: { basic: 'supervisor' } } })
    expect(read.config.users).toEqual({ supervisor: { name: 'ops', password: '${PASSWORD}' } })
  })

  it('is the dashboard on its own address, where no web server was', () => {
    const { config } = importTexts({ 'a.conf': conf })
    expect(config).toMatchObject({
      gateway: { listeners: { dashboard: { address: '127.0.0.1:9001' } } },
      control: { dashboard: { path: '/supervisor', auth: { basic: 'supervisor' } } },
    })
  })
})

describe('two that have the same name', () => {
  it('are reported, and the first stays', () => {
    const { config, lines, comments } = importTexts({
      'a.conf': supervisord('redis', 'redis-server') + supervisord('other', 'other'),
      'compose.yaml': 'services:\n  redis: { command: redis-server --port 7000 }\n  more: { command: more }\n',
    })
    expect(config.processes).toMatchObject({ redis: { ready: { tcp: 6379 } }, other: {}, more: {} })
    expect(lines).toContain(
      'compose.yaml:2:3: untranslated: `processes.redis` is left out: a.conf:1 says something else',
    )
    expect(comments.filter((comment) => comment.startsWith('processes.redis'))).toEqual([
      'processes.redis: from a.conf:1',
    ])
  })

  it('and are an upstream and a process, stay apart', () => {
    const { config } = importTexts({
      Caddyfile: caddyfile('handle /api/* {', '\treverse_proxy 10.0.0.5:80 10.0.0.6:80', '}'),
      'a.conf': supervisord('api', 'serve'),
    })
    expect(config).toMatchObject({
      gateway: { routes: [{ path: '/api/*', to: 'api-servers' }] },
      upstreams: { 'api-servers': { targets: ['http://10.0.0.5:80', 'http://10.0.0.6:80'] } },
      processes: { api: { command: ['serve'] } },
    })
    expect(Object.keys(config.upstreams as Entries)).toEqual(['api-servers'])
  })

  it('programs of one supervisord are reported too', () => {
    const { lines } = importTexts({ 'a.conf': supervisord('web', 'a') + supervisord('Web', 'b') })
    expect(lines).toContain(
      'a.conf:5:1: untranslated: another program is called `web` already: give one of them another name',
    )
  })
})

describe('the time to stop, of a proxy and of programs', () => {
  const proxy = '{\n\tgrace_period 20s\n}\n:80 {\n\treverse_proxy localhost:8080\n}'
  const program = '[program:db]\ncommand=db\ndirectory=/\n'

  it('is enough for both: the one of the proxy would have killed the database', () => {
    const { config, lines } = importTexts({ Caddyfile: proxy, 'a.conf': `${program}stopwaitsecs=120\n` })
    expect(config.shutdown).toEqual({ budget: '140s' })
    expect(lines.join()).not.toContain('shutdown')
  })

  it('leaves programs that say nothing the usual time', () => {
    expect(importTexts({ Caddyfile: proxy, 'a.conf': program }).config.shutdown).toEqual({ budget: '50s' })
  })

  it('is the one of the proxy where there are no programs', () => {
    expect(importTexts({ Caddyfile: proxy }).config.shutdown).toEqual({ budget: '20s' })
  })
})
