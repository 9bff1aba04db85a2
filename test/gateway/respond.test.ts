/** `respond`: an answer that stands in the config file. */
import { afterEach, describe, expect, it } from 'vitest'
import { ask, protocols } from './clients.ts'
import { cleanUp, type RouteOptions, startGateway } from './support.ts'

afterEach(cleanUp)

const routes: readonly RouteOptions[] = [
  { kind: 'respond', status: 200, body: 'well', match: { paths: ['/health'] } },
  {
    kind: 'respond',
    status: 503,
    body: '{"closed":true}',
    match: { paths: ['/closed'] },
    response: { 'content-type': ['application/json'] },
  },
  { kind: 'respond', status: 204, body: '', match: { paths: ['/nothing'] } },
]

describe.each(protocols)('respond over %s', (protocol) => {
  it('gives its text, and to HEAD the head of it', async () => {
    const gateway = await startGateway({ routes })
    const answer = await ask(gateway, protocol, { path: '/health' })
    expect(answer).toMatchObject({ status: 200, body: 'well' })
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    const head = await ask(gateway, protocol, { path: '/health', method: 'HEAD' })
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers['content-length']).toBe('4')
  })

  it('takes the type that the route sets, once, also with a status of an error', async () => {
    const gateway = await startGateway({ routes })
    const answer = await ask(gateway, protocol, { path: '/closed' })
    expect(answer).toMatchObject({ status: 503, body: '{"closed":true}' })
    expect(answer.raw.filter(([name]) => name.toLowerCase() === 'content-type')).toEqual([
      [expect.any(String), 'application/json'],
    ])
  })

  it('a status without body has neither body nor length, and the connection stays open', async () => {
    const gateway = await startGateway({ routes })
    const answer = await ask(gateway, protocol, { path: '/nothing' })
    expect(answer).toMatchObject({ status: 204, body: '' })
    expect(answer.headers['content-length']).toBeUndefined()
    expect(answer.headers['content-type']).toBeUndefined()
  })
  it('a status without body reaches a client whose own body is not read', async () => {
    const gateway = await startGateway({ routes })
    for (let turn = 0; turn < 10; turn += 1) {
      const answer = await ask(gateway, protocol, { path: '/nothing', method: 'POST', body: 'sent' })
      expect(answer.status).toBe(204)
    }
  })
})
