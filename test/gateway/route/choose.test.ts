/** Which of several routes answers, and with which path, where a path can be read in more than one way. */
import { afterEach, describe, expect, it, test } from 'vitest'
import type { GuardsPlan } from '../../../src/plan/model/plan.ts'
import { ask, exchangeRaw, protocols } from '../clients.ts'
import { cleanUp, proxyTo, type RouteOptions, type RunningGateway, startGateway } from '../support.ts'
import { mirror, type Seen, upstream, valuesOf } from '../upstreams.ts'

afterEach(cleanUp)

type Options = Omit<RouteOptions, 'kind'>

const paths = (...patterns: string[]): Options => ({ match: { paths: patterns } })
const everyone = ['::/0', '0.0.0.0/0']
const closed: Partial<GuardsPlan> = { addresses: [{ deny: everyone }] }
const closedOtherwise: Partial<GuardsPlan> = { addresses: [{ allow: ['192.0.2.1/32'] }] }

const limited: Partial<GuardsPlan> = {
  rateLimit: { of: 'route', requests: 100, window: 60_000, by: { kind: 'client' } },
}
const small: Partial<GuardsPlan> = { requestBody: 10 }

/** All routes lead to a mirror; each answer tells its route by its index. */
async function gatewayWith(...wishes: readonly Options[]): Promise<RunningGateway> {
  const { port } = await mirror()
  return startGateway({
    routes: wishes.map((options, index) => ({ ...proxyTo(port), ...options, response: { 'x-route': String(index) } })),
  })
}

/** `ROUTE PATH` as it was forwarded, or the status of a refusal. */
async function answerOf(gateway: RunningGateway, path: string): Promise<string> {
  const [head = '', body = ''] = (
    await exchangeRaw(gateway.http, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  ).split('\r\n\r\n')
  const [, route] = /^x-route: (.*)$/im.exec(head) ?? []
  return head.startsWith('HTTP/1.1 200') ? `${route} ${(JSON.parse(body) as Seen).url}` : head.slice(9, 12)
}

describe('an upstream gets', () => {
  test.each([
    // As it came, where that makes no difference for the route.
    ['/api/a//b', '0 /api/a//b'],
    ['/api/a%2Fb', '0 /api/a%2Fb'],
    ['/api/a%5Cb', '0 /api/a%5Cb'],
    ['/api/a;b=c/d', '0 /api/a;b=c/d'],
    ['/api/a.', '0 /api/a.'],
    ['/api/%40a', '0 /api/%40a'],
    ['/API/A', '0 /API/A'],
    ['/else/a%2Fb//c;d', '1 /else/a%2Fb//c;d'],
    // Nearly so, or the one form that no parser reads in another way.
    ['//api/a%2Fb', '0 /api/a%2Fb'],
    ['/api%2Fa%2Fb', '0 /api/a/b'],
    ['/api;x/a%2Fb', '0 /api/a/b'],
    ['/x/..%2Fapi/a', '0 /api/a'],
    ['/api/a%2F..%2Fb', '0 /api/b'],
    ['/api/..;/else', '1 /else'],
    // A parameter with a slash in it has two readings.
    ['/api/a;b%2Fc', '0 /api/a;b%2Fc'],
    ['/;b%2Fapi/a', '0 /api/a'],
  ])('for %s: %s', async (path, expected) => {
    expect(await answerOf(await gatewayWith(paths('/api/*'), {}), path)).toBe(expected)
  })
})

describe('a route whose upstream keeps encoded slashes', () => {
  const keeping: Options = { ...paths('/git/*'), encodedSlashes: 'keep' }

  test.each([
    ['/git/group%2Fproject', '0 /git/group%2Fproject'],
    ['/git/a%2F..%2Fb', '0 /git/a%2F..%2Fb'],
    ['/git/a%5c..%5cb', '0 /git/a%5C..%5Cb'],
    ['/git/..%2Fx', '0 /git/..%2Fx'],
    ['/git%2Fx', '0 /git/x'],
    ['/git/..;/x', '1 /x'],
  ])('%s goes to %s', async (path, expected) => {
    expect(await answerOf(await gatewayWith(keeping, {}), path)).toBe(expected)
  })

  it('is chosen by a path whose slashes are kept, in front of a route that is not guarded more', async () => {
    const gateway = await gatewayWith(paths('/static/*'), { encodedSlashes: 'keep' })
    expect(await answerOf(gateway, '/static%2Fproject')).toBe('1 /static%2Fproject')
    expect(await answerOf(gateway, '/static/project')).toBe('0 /static/project')
  })

  it('is no way round a guard, an answer or a redirect', async () => {
    const gateway = await gatewayWith(
      { ...paths('/secret/*'), guards: closed },
      { ...paths('/gone/*'), kind: 'respond', status: 410, body: '' } as Options,
      { encodedSlashes: 'keep' },
    )
    for (const path of ['/secret%2Fx', '/x%2F..%2Fsecret/x', '/secret%5Cx'])
      expect(await answerOf(gateway, path), path).toBe('403')
    // Tomcat would drop the parameter with all slashes in it.
    expect(await answerOf(gateway, '/secret;%2F..%2Fx/y')).toBe('2 /x/y')
    expect(await answerOf(gateway, '/gone%2Fx')).toBe('410')
    expect(await answerOf(gateway, '/else%2Fx')).toBe('2 /else%2Fx')
  })

  it('is no way round a rate limit or a body limit of another route', async () => {
    for (const guards of [limited, small]) {
      const gateway = await gatewayWith({ ...paths('/login/*'), guards }, { encodedSlashes: 'keep' })
      for (const path of ['/login%2Fx', '/x%2F..%2Flogin/x'])
        expect(await answerOf(gateway, path), path).toBe('0 /login/x')
      const alike = await gatewayWith({ ...paths('/login/*'), guards }, { encodedSlashes: 'keep', guards })
      expect(await answerOf(alike, '/login%2Fx')).toBe('1 /login%2Fx')
    }
  })
})

describe('the case of a path', () => {
  it('makes no difference, also with a prefix that is stripped', async () => {
    const gateway = await gatewayWith({ ...paths('/Api/*'), rewrite: { stripPrefix: '/API' } }, {})
    expect(await answerOf(gateway, '/aPI/X')).toBe('0 /X')
  })

  it('makes one where the route for what it says is guarded more', async () => {
    const gateway = await gatewayWith(paths('/public/*'), { guards: closed })
    expect(await answerOf(gateway, '/public/X')).toBe('0 /public/X')
    expect(await answerOf(gateway, '/PUBLIC/x')).toBe('403')
  })

  it('makes one where the pattern of the open route is the one in upper case', async () => {
    const gateway = await gatewayWith(paths('/Public/*'), { guards: closed })
    expect(await answerOf(gateway, '/Public/x')).toBe('0 /Public/x')
    for (const path of ['/public/x', '/PUBLIC/x', '/p%75blic/x', '//public/x'])
      expect(await answerOf(gateway, path), path).toBe('403')
  })

  it('makes one where the route for what it says has a limit of its own', async () => {
    for (const guards of [limited, small]) {
      const gateway = await gatewayWith(paths('/public/*'), { guards })
      expect(await answerOf(gateway, '/public/X')).toBe('0 /public/X')
      expect(await answerOf(gateway, '/PUBLIC/x')).toBe('1 /PUBLIC/x')
    }
  })

  it('asks who may come in before how often', async () => {
    const gateway = await gatewayWith({ ...paths('/a/*'), guards: limited }, { guards: closed })
    expect(await answerOf(gateway, '/A/x')).toBe('403')
  })

  it('is refused if neither route is stricter', async () => {
    const gateway = await gatewayWith({ ...paths('/a/*'), guards: closed }, { guards: closedOtherwise })
    expect(await answerOf(gateway, '/a/x')).toBe('403')
    expect(await answerOf(gateway, '/A/x')).toBe('400')
  })
})

describe.each(protocols)('a guarded route with `methods: [GET]`, over %s', (protocol) => {
  it('is not passed by HEAD, which says what GET would', async () => {
    const gateway = await gatewayWith({ match: { methods: ['GET'] }, guards: closed }, {})
    for (const [method, status] of [
      ['GET', 403],
      ['HEAD', 403],
      ['POST', 200],
    ] as const)
      expect((await ask(gateway, protocol, { path: '/x', method })).status, method).toBe(status)
  })
})

test.each(protocols)('a header beyond ASCII is matched however its client writes it, over %s', async (protocol) => {
  const gateway = await gatewayWith({ match: { headers: [{ name: 'x-name', pattern: 'M*ü€' }] }, guards: closed }, {})
  const utf8 = Buffer.from('Mü€').toString('latin1')
  for (const [value, status] of [
    [utf8, 403],
    ['Mu', 200],
  ] as const)
    expect((await ask(gateway, protocol, { path: '/', headers: { 'x-name': value } })).status, value).toBe(status)
})

describe('a guard of /secret/*', () => {
  it('holds for /secret, which Express and Spring answer like /secret/', async () => {
    const gateway = await gatewayWith({ ...paths('/secret/*', '/key', '*.json'), guards: closed }, {})
    for (const path of ['/secret', '/SECRET', '/secret/', '/key', '/key/', '/a.json', '/a.json/'])
      expect(await answerOf(gateway, path), path).toBe('403')
    for (const path of ['/secrets', '/key/x', '/x/key', '/a.json/b'])
      expect(await answerOf(gateway, path), path).toBe(`1 ${path}`)
  })

  it('leaves /secret to the route that names it, wherever that stands, and to files', async () => {
    const guarded: Options = { ...paths('/secret/*'), guards: closed }
    expect(await answerOf(await gatewayWith(guarded, paths('/Secret'), {}), '/secret')).toBe('1 /secret')
    const { port } = await mirror()
    const gateway = await startGateway({
      routes: [
        { ...proxyTo(port), ...guarded },
        { kind: 'respond', status: 200, body: '' },
      ],
    })
    expect((await ask(gateway, 'h1', { path: '/secret' })).status).toBe(200)
  })
})

test('the auth service and the upstream are asked about one path, which no parser reads in another way', async () => {
  const asked: (string | undefined)[] = []
  const service = await upstream((request, response) => {
    asked.push(request.headers['x-forwarded-uri'] as string)
    response.end()
  })
  const auth = { kind: 'forward', url: `http://127.0.0.1:${service.port}/`, copy: [], timeout: 5_000 } as const
  const gateway = await gatewayWith({ guards: { auth } })
  for (const [path, read] of [
    ['/a//b?c=//d', '/a/b?c=//d'],
    ['/a%2Fb', '/a/b'],
    ['/a;b/c', '/a/c'],
    ['/x/..%5ca', '/a'],
    ['/%40a', '/@a'],
    ['/A/b', '/A/b'],
  ] as const) {
    expect(await answerOf(gateway, path)).toBe(`0 ${read}`)
    expect(asked.pop()).toBe(read)
  }
})

test.each(protocols)('a host behind two slashes is none for parsers of URLs, over %s', async (protocol) => {
  const gateway = await gatewayWith({})
  for (const path of ['//host/secret', '/.//host/secret', '/x/..//host/secret']) {
    const { url } = JSON.parse((await ask(gateway, protocol, { path })).body) as Seen
    expect(new URL(url, 'http://upstream.example').pathname, path).toBe('/host/secret')
  }
})

test('a header that is filled with {uri} has the path that is forwarded', async () => {
  const gateway = await gatewayWith({ ...paths('/a/*'), request: { 'x-asked': '{uri}' } }, {})
  const { body } = await ask(gateway, 'h1', { path: '/x%2f..%2fa/b?c' })
  expect(valuesOf(JSON.parse(body) as Seen, 'x-asked')).toEqual(['/a/b?c'])
})
