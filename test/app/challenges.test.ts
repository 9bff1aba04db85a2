/** Challenges of an ACME server on every gateway thread: the kernel, not the server, decides which one is asked. */
import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import type { BasicAuthPlan, RateLimitPlan } from '../../src/plan/model/guards.ts'
import type { ServedChallenge } from '../../src/shared/served.ts'
import { cleanUp, freePort, host, listener, planOf, whenOver } from '../gateway/support.ts'
import { silentWorkers } from './silent-workers.ts'

afterEach(cleanUp)

const path = '/.well-known/acme-challenge/token'
const challenge: ServedChallenge = { type: 'http-01', name: host, token: 'token', proof: 'token.print' }
const auth: BasicAuthPlan = { kind: 'basic', users: ['ops'] }
const rateLimit: RateLimitPlan = { requests: 1, window: 300_000, by: { kind: 'client' }, of: 'gateway' }

interface Answer {
  readonly status: number
  readonly body: string
}

/** On a connection of its own. */
function get(port: number, target: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: target, headers: { host }, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        body += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
    asked.on('error', reject).end()
  })
}

// If only one of two threads had the challenge, or the limit came first, one in two would fail, or all but one.
const tries = 24

it('http-01 is answered on both threads where passwords are asked for and the client has spent its rate limit', async () => {
  const workers = silentWorkers()
  whenOver(() => workers.drain(0))
  const port = await freePort()
  const users = { ops: createHash('sha256').update('secret').digest('hex') }
  const plan = planOf({ routes: [], threads: 2, users, guards: { auth, rateLimit } }, [listener('http', port)])
  await workers.apply({ plan: { ...plan, accessLog: false }, certificates: [] })
  const first = [(await get(port, '/')).status, (await get(port, '/')).status]
  await workers.setChallenges([challenge])
  const shown: Answer[] = []
  for (let count = 0; count < tries; count += 1) shown.push(await get(port, path))
  await workers.setChallenges([])
  const over: number[] = []
  for (let count = 0; count < tries; count += 1) over.push((await get(port, path)).status)
  expect({ first, shown, over }).toEqual({
    first: [401, 429],
    shown: Array(tries).fill({ status: 200, body: 'token.print' }),
    over: Array(tries).fill(429),
  })
})
