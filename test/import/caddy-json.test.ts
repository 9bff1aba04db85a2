/**
 * Caddy's JSON, as `caddy adapt` prints it or a running Caddy holds it, becomes what its Caddyfile would have become.
 */
import { describe, expect, it } from 'vitest'
import { readCaddyJson } from '../../src/import/caddy/read-caddyfile.ts'
import { kindOf } from '../../src/import/kind.ts'

function read(config: unknown) {
  return readCaddyJson({ file: 'caddy.json', text: JSON.stringify(config, null, 2) })
}

function server(routes: unknown, more: object = {}) {
  return { apps: { http: { servers: { srv0: { listen: [':8080'], routes, ...more } } } } }
}

const to = (dial: string) => ({ handler: 'reverse_proxy', upstreams: [{ dial }] })

describe('routes', () => {
  it('keep their order', () => {
    const routes = [
      { match: [{ path: ['/api/*'], method: ['POST'] }], handle: [to('a:1')], terminal: true },
      { match: [{ host: ['x.test'] }], handle: [to('a:2')] },
      { handle: [to('a:3')] },
    ]
    expect(read(server(routes)).config.gateway?.routes).toEqual([
      { path: '/api/*', methods: ['POST'], to: 'http://a:1' },
      { host: 'x.test', to: 'http://a:2' },
      { to: 'http://a:3' },
    ])
  })

  it('of a group only the first that matches is done', () => {
    const routes = [
      {
        group: 'g',
        match: [{ path: ['/a/*'] }],
        handle: [{ handler: 'headers', response: { set: { A: ['1'] } } }, to('a:1')],
      },
      { group: 'g', handle: [to('a:2')] },
    ]
    expect(read(server(routes)).config.gateway?.routes).toEqual([
      { path: '/a/*', to: 'http://a:1', response: { headers: { A: '1' } } },
      { to: 'http://a:2' },
    ])
  })

  it('several sets of matchers are alternatives', () => {
    const routes = [
      { match: [{ path: ['/a'] }, { header: { 'X-B': ['c'] } }], handle: [to('a:1')] },
      { handle: [to('a:2')] },
    ]
    expect(read(server(routes)).config.gateway?.routes).toEqual([
      { path: '/a', to: 'http://a:1' },
      { headers: { 'X-B': 'c' }, to: 'http://a:1' },
      { to: 'http://a:2' },
    ])
  })

  it('whole sites have their hosts, certificates and a way from HTTP', () => {
    const subroute = { handler: 'subroute', routes: [{ handle: [to('a:1')] }] }
    const config = {
      apps: {
        http: {
          grace_period: 20_000_000_000,
          servers: {
            srv0: {
              listen: [':443'],
              trusted_proxies: { source: 'static', ranges: ['10.0.0.0/8'] },
              routes: [{ match: [{ host: ['x.test.org'] }], handle: [subroute], terminal: true }],
            },
          },
        },
        tls: {
          automation: {
            policies: [
              { subjects: ['x.test.org'], issuers: [{ module: 'acme', ca: 'https://ca.test/dir', email: 'a@b.c' }] },
            ],
          },
        },
      },
    }
    expect(read(config).config).toMatchObject({
      gateway: {
        trustedProxies: ['10.0.0.0/8'],
        routes: [
          { listener: 'https', host: 'x.test.org', to: 'http://a:1' },
          { listener: 'http', host: 'x.test.org', redirect: { to: 'https://{host}{uri}', status: 308, close: true } },
        ],
      },
      certificates: [
        { domains: ['x.test.org'], use: [{ acme: { directory: 'https://ca.test/dir', email: 'a@b.c' } }] },
      ],
      shutdown: { budget: '20s' },
    })
  })
})

describe('what is not translated is reported with its place in the JSON', () => {
  it.each([
    [{ handler: 'templates' }, /`templates`: `files.render`/],
    [{ handler: 'static_response', status_code: 103 }, /a response has a status of 200 or more/],
    [{ handler: 'reverse_proxy', upstreams: [{ dial: 'unix+h2c//x' }] }, /`unix\+h2c\/\/x`/],
    [{ handler: 'file_server', browse: {} }, /`browse`/],
  ])('%j', (handler, message) => {
    const { findings } = read(server([{ handle: [handler] }]))
    const text = JSON.stringify(server([{ handle: [handler] }]), null, 2).split('\n')
    const found = findings.find((one) => one.severity === 'untranslated' && message.test(one.message))
    expect(found).toBeDefined()
    expect(text.slice(0, found?.line).join('\n')).toContain('"handle"')
  })

  it.each<[string, object, string]>([
    ['an app that is none of HTTP', { apps: { layer4: { servers: {} } } }, '`apps.layer4`'],
    [
      'who must show a certificate',
      server([{ handle: [to('a:1')] }], { tls_connection_policies: [{ client_authentication: { mode: 'require' } }] }),
      '`tls_connection_policies.client_authentication`',
    ],
    [
      'a bound of time',
      server([{ handle: [{ handler: 'request_body', max_size: 9, read_timeout: 5 }] }]),
      '`handle.read_timeout`',
    ],
    [
      'headers of an answer',
      server([{ handle: [{ handler: 'static_response', status_code: 403, headers: { A: ['b'] } }] }]),
      '`headers.A`',
    ],
    [
      'what is shown with an error',
      server([{ handle: [to('a:1')] }], { errors: { routes: [{ handle: [{ handler: 'templates' }] }] } }),
      '`templates` in `handle_errors`',
    ],
  ])('even if no reader looks for it: %s', (_, config, name) => {
    const lost = read(config).findings.filter(({ severity }) => severity === 'untranslated')
    expect(lost.filter(({ message }) => message.startsWith(name))).toHaveLength(1)
  })

  it('once, if it is a handler that is not known', () => {
    const { findings } = read(server([{ handle: [{ handler: 'odd', a: { b: 1 }, c: [2] }, to('a:1')] }]))
    expect(findings.filter(({ severity }) => severity === 'untranslated')).toHaveLength(1)
  })

  it('but not what Caddy writes by default', () => {
    const { findings } = read({
      admin: { disabled: true },
      ...server([{ handle: [to('a:1')], terminal: true }], {
        automatic_https: { skip: ['x'] },
        tls_connection_policies: [{}],
      }),
    })
    expect(findings.filter(({ severity }) => severity === 'untranslated')).toEqual([])
  })

  it('guards with matchers that we do not have guard everything', () => {
    const authentication = {
      handler: 'authentication',
      providers: { http_basic: { accounts: [{ username: 'ann', password: 'hash' }] } },
    }
    const { config } = read(
      server([{ match: [{ query: { a: ['b'] } }], handle: [authentication] }, { handle: [to('a:1')] }]),
    )
    expect(config.gateway?.routes).toEqual([{ auth: { basic: 'ann' }, to: 'http://a:1' }])
  })
})

it.each([
  ['{"apps": {', /not JSON/],
  [`{"apps":${'['.repeat(500)}${']'.repeat(500)}}`, /nested more than/],
])('%j', (text, message) => {
  const { config, findings } = readCaddyJson({ file: 'caddy.json', text })
  expect(config).toEqual({})
  expect(findings).toEqual([
    expect.objectContaining({ severity: 'untranslated', message: expect.stringMatching(message) }),
  ])
})

it('is recognized by its apps', () => {
  expect(kindOf('x.json', '{"apps":{}}')).toBe('caddy-json')
  expect(kindOf('x.json', '{"name":"x"}')).toBeUndefined()
})
