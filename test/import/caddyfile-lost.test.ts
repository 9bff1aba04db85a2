/** Parts of real Caddyfiles that the import once lost silently, or opened to everyone. */
import { describe, expect, it } from 'vitest'
import type { Entries, Value } from '../../src/import/reading.ts'
import { importTexts } from './importing.ts'

function imported(...lines: readonly string[]) {
  return importTexts({ Caddyfile: lines.join('\n') })
}

/** A site for all names with these lines; the first of them is line 2. */
function site(...lines: readonly string[]) {
  return imported(':80 {', ...lines, '}')
}

function routesOf({ config }: ReturnType<typeof imported>): readonly Entries[] {
  const routes: Value | undefined = (config.gateway as Entries).routes
  return Array.isArray(routes) ? routes : []
}

describe('what is refused in front of a password', () => {
  const blog = site(
    '@blocked path *.sql /debug.log',
    'respond @blocked 403',
    'basic_auth /admin/* {',
    '  boss $2a$14$hash',
    '}',
    'reverse_proxy localhost:9000',
  )

  it('does not close everything behind the password', () => {
    expect(routesOf(blog).find(({ path }) => path === '/admin/*')).toMatchObject({
      auth: { basic: 'boss' },
      to: 'http://localhost:9000',
    })
  })

  it('is refused first, and that is reported', () => {
    expect(routesOf(blog)[0]).toMatchObject({ path: '*.sql', respond: { status: 403 } })
    expect(blog.lines).toContain('Caddyfile:3:1: changed: `respond`: applied before the password check, for `*.sql`')
  })
})

describe('X-Forwarded headers for an upstream', () => {
  it('are imported where they are fixed: behind a proxy that ends TLS the application would redirect in a loop', () => {
    const { config } = site('reverse_proxy app:1 {', '  header_up X-Forwarded-Proto https', '}')
    expect((config.gateway as Entries).request).toEqual({ headers: { 'X-Forwarded-Proto': 'https' } })
  })

  it('are reported if they come from an unknown header', () => {
    const { lines } = site(
      'reverse_proxy app:1 {',
      '  header_up X-Forwarded-For {http.request.header.CF-Connecting-IP}',
      '}',
    )
    expect(lines).toContainEqual(
      expect.stringMatching(/^Caddyfile:3:\d+: untranslated: .*\{http\.request\.header\.CF-Connecting-IP\}/),
    )
  })

  it('need no option where they are what they are anyway', () => {
    const { config, lines } = site(
      'reverse_proxy app:1 {',
      '  header_up X-Forwarded-Proto {scheme}',
      '  header_up X-Forwarded-For {remote_host}',
      '  header_up X-Forwarded-Host {host}',
      '}',
    )
    expect(config.gateway).not.toHaveProperty('request')
    expect(lines.join('\n')).not.toMatch(/x-forwarded/i)
  })
})

it.each<[string, readonly string[], string]>([
  [
    'what one upstream is believed',
    ['reverse_proxy app:1 {', '  trusted_proxies private_ranges', '}'],
    'Caddyfile:3:3: untranslated: `trusted_proxies`',
  ],
  [
    'the longest time of a stream',
    ['reverse_proxy app:1 {', '  stream_timeout 1h', '}'],
    'Caddyfile:3:3: untranslated: `stream_timeout`',
  ],
  [
    'what follows the size of a body',
    ['request_body {', '  max_size 1MB', '  read_timeout 10s', '}', 'reverse_proxy app:1'],
    'Caddyfile:4:3: untranslated: `read_timeout`',
  ],
  [
    'the name that a browser shows when it asks for a password',
    ['basic_auth bcrypt "Our office" {', '  a $2a$14$x', '}', 'reverse_proxy app:1'],
    'Caddyfile:2:19: changed: `basic_auth`',
  ],
  [
    'an encoding that is none',
    ['encode zstd lzma', 'reverse_proxy app:1'],
    'Caddyfile:2:13: untranslated: `encode lzma`',
  ],
  [
    'what is spoken on an address',
    ['bind 127.0.0.1 {', '  protocols h1', '}', 'reverse_proxy app:1'],
    'Caddyfile:3:3: untranslated: `protocols`',
  ],
  [
    'a target that leads elsewhere and counts as healthy',
    ['reverse_proxy app:1 {', '  health_uri /h', '  health_status 2xx', '}'],
    'Caddyfile:4:3: changed: `health_status`',
  ],
  [
    'a second certificate',
    ['tls /a.pem /a.key', 'tls /b.pem /b.key', 'reverse_proxy app:1'],
    'Caddyfile:3:1: untranslated: `tls`',
  ],
])('%s is reported', (_, lines, expected) => {
  expect(site(...lines).lines.map((line) => line.slice(0, expected.length))).toContain(expected)
})

it('an invalid size of headers is reported', () => {
  const { lines } = imported('{', 'servers {', '  max_header_size huge', '}', '}', ':80 {', 'reverse_proxy app:1', '}')
  expect(lines[0]).toMatch(/^Caddyfile:3:3: untranslated: `max_header_size`/)
})

it('an option of one server is reported to apply to all', () => {
  const { lines } = imported(
    '{',
    'servers :8443 {',
    '  max_header_size 8KB',
    '}',
    '}',
    ':80 {',
    'reverse_proxy app:1',
    '}',
  )
  expect(lines[0]).toMatch(/^Caddyfile:2:1: changed: `servers :8443`/)
})

it('names proved in the DNS for all sites are still proved there', () => {
  const { config, lines } = imported(
    '{',
    'acme_dns cloudflare {$TOKEN}',
    '}',
    'a.example.com {',
    'reverse_proxy app:1',
    '}',
  )
  expect(config.certificates).toEqual([
    { domains: ['a.example.com'], use: [{ acme: { challenges: ['dns-01'], dns: { run: ['./dns-hook'] } } }] },
  ])
  expect(lines).toContain(
    'Caddyfile:2:1: changed: `acme_dns cloudflare`: your own program, ./dns-hook, sets the records',
  )
})

it('a snippet with a place for a block does not make the file unreadable', () => {
  const { lines, config } = imported(
    '(app) {',
    '  header X-App yes',
    '  {block}',
    '}',
    ':80 {',
    '  import app {',
    '    header X-Block yes',
    '    @a {',
    '      path /a',
    '    }',
    '    redir @a /b',
    '  }',
    '  reverse_proxy app:1',
    '}',
  )
  expect(lines.filter((line) => line.includes('untranslated'))).toEqual([])
  expect(config.gateway).toMatchObject({
    response: { headers: { 'X-App': 'yes', 'X-Block': 'yes' } },
    routes: [{ path: '/a', redirect: { to: '/b' } }, { to: 'http://app:1' }],
  })
})

it('a pattern without matches is reported: on another machine sites would be missing', () => {
  const { lines } = imported('import sites/*.conf', ':80 {', '  import parts/*', '  reverse_proxy app:1', '}')
  expect(lines.filter((line) => line.includes('untranslated'))).toEqual([
    'Caddyfile:1:8: untranslated: no file matches `sites/*.conf`',
    'Caddyfile:3:10: untranslated: no file matches `parts/*`',
  ])
})

it('a refusal that depends on an existing file is reported once, and applies to all', () => {
  const read = site('@lock file /closed', 'error @lock 403', 'reverse_proxy app:1')
  expect(routesOf(read)).toHaveLength(1)
  expect(routesOf(read)[0]).toMatchObject({ deny: ['0.0.0.0/0', '::/0'] })
  expect(read.lines).toContain(
    'Caddyfile:3:1: changed: only `files` can depend on whether a file exists: all requests are rejected here',
  )
})

it('a limit of one route is on that route, not on the gateway with an exception for each other route', () => {
  const zone = ['rate_limit {', '  zone z {', '    key {remote_host}', '    events 5', '    window 1m', '  }', '}']
  const read = site('handle /api/* {', ...zone, 'reverse_proxy api:1', '}', 'handle {', 'reverse_proxy app:1', '}')
  expect(routesOf(read)).toEqual([
    { path: '/api/*', rateLimit: { requests: 5, window: '1m', by: 'client' }, to: 'http://api:1' },
    { to: 'http://app:1' },
  ])
})

it('one name with two passwords is reported: either would give access everywhere', () => {
  const { lines } = site(
    'basic_auth /a/* {',
    '  boss $2a$14$one',
    '}',
    'basic_auth /b/* {',
    '  boss $2a$14$two',
    '}',
    'reverse_proxy app:1',
  )
  const expected =
    'Caddyfile:6:3: changed: `boss`: has another password elsewhere; it becomes one user with one password'
  expect(lines).toContain(expected)
  expect(lines.join()).not.toContain('$2a$')
})

it('a switch for maintenance that is not thrown does not close the site', () => {
  const read = site('@lock file /maintenance', 'respond @lock 503', 'reverse_proxy app:1')
  expect(routesOf(read)).toEqual([{ to: 'http://app:1' }])
  expect(read.lines).toContainEqual(
    expect.stringMatching(/^Caddyfile:3:1: untranslated: only `files` can depend on whether a file exists/),
  )
})
