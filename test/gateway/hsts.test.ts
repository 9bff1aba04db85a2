import { afterEach, describe, expect, it } from 'vitest'
import type { HeaderRules } from '../../src/plan/model/headers.ts'
import { ask, exchangeRaw, protocols } from './clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

const value = 'max-age=31536000; includeSubDomains'

async function start(response: HeaderRules = {}, own?: string): Promise<RunningGateway> {
  const behind = await upstream((_request, answer) => {
    if (own !== undefined) answer.setHeader('Strict-Transport-Security', own)
    answer.end('ok')
  })
  const routes = [{ ...proxyTo(behind.port), match: { paths: ['/ok'] }, response }]
  const gateway = await startGateway({ routes })
  const listeners = gateway.listeners.map((listener) => (listener.tls ? { ...listener, hsts: value } : listener))
  await gateway.apply({ routes, listeners })
  return gateway
}

describe.each(protocols)('Strict-Transport-Security over %s', (protocol) => {
  const wanted = (text: string) => (protocol === 'h1' ? [] : [text])
  const sent = async (gateway: RunningGateway, path: string) =>
    (await ask(gateway, protocol, { path })).raw.flatMap(([name, text]) =>
      name.toLowerCase() === 'strict-transport-security' ? [text] : [],
    )

  it('is on answers and on errors of our own, of listeners with TLS only', async () => {
    const gateway = await start()
    expect(await sent(gateway, '/ok')).toEqual(wanted(value))
    expect(await sent(gateway, '/missing')).toEqual(wanted(value))
  })

  it('is the one of the upstream or the route, if they say one', async () => {
    expect(await sent(await start({}, 'max-age=1'), '/ok')).toEqual(['max-age=1'])
    const set = { 'strict-transport-security': 'max-age=2' }
    expect(await sent(await start(set, 'max-age=1'), '/ok')).toEqual(['max-age=2'])
    expect(await sent(await start({ 'strict-transport-security': null }, 'max-age=1'), '/ok')).toEqual([])
  })
})

it('an unreadable request over plain HTTP gets none', async () => {
  const gateway = await start()
  expect(await exchangeRaw(gateway.http, 'nonsense\r\n\r\n')).not.toMatch(/strict-transport/i)
})
