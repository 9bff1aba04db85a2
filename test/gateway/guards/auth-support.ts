/** A gateway whose one route asks an auth service, and such services. */
import type { RequestListener } from 'node:http'
import type { ForwardAuthPlan } from '../../../src/plan/model/guards.ts'
import { proxyTo, startGateway } from '../support.ts'
import { mirror, pairs, type Seen, type Upstream, upstream } from '../upstreams.ts'

/** The service listens on `port`; behind the route is a mirror. */
export async function asking(port: number, options: Partial<ForwardAuthPlan> = {}, limits = {}) {
  const behind = await mirror()
  const auth = {
    kind: 'forward',
    url: `http://127.0.0.1:${port}/verify?x=1`,
    copy: [],
    timeout: 5_000,
    ...options,
  } as const
  const gateway = await startGateway({ limits, routes: [{ ...proxyTo(behind.port), guards: { auth } }] })
  return { gateway, behind }
}

/** An auth service, and what it was asked. */
export async function service(answer: RequestListener): Promise<Upstream & { readonly asked: Seen[] }> {
  const asked: Seen[] = []
  const made = await upstream((request, response) => {
    asked.push({
      method: request.method ?? '',
      url: request.url ?? '',
      headers: pairs(request.rawHeaders),
      body: '',
    })
    answer(request, response)
  })
  return { ...made, asked }
}
