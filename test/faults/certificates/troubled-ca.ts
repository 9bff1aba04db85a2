/** A real ACME server behind a front that can answer in its place, as the overloaded or limiting front of a large CA does. */
import { randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { makeLeaf, makeRoot } from '../../../src/certificates/ca/internal.ts'
import type { Pebble } from '../../certificates/pebble.ts'

export interface Instead {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface TroubledCa {
  readonly directory: string
  /** PEM file with the root of its certificate. */
  readonly trust: string
  /** `METHOD /path` of every request, growing. */
  readonly requests: readonly string[]
  /** Asked for each request, which waits for it; without an answer from it the request goes on to the ACME server. */
  meddle: (path: string) => Instead | undefined | Promise<Instead | undefined>
  close(): Promise<void>
}

export async function startTroubledCa(pebble: Pebble): Promise<TroubledCa> {
  const root = await makeRoot()
  const leaf = await makeLeaf(root, ['127.0.0.1'])
  const trust = join(dirname(pebble.trust), `front-${randomUUID()}.pem`)
  writeFileSync(trust, root.certificate)
  const agent = new Agent({ ca: readFileSync(pebble.trust, 'utf8') })
  const requests: string[] = []
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, async (asked, answer) => {
    const { method = '', url = '', headers } = asked
    requests.push(`${method} ${url}`)
    asked.pause()
    const instead = await front.meddle(url)
    if (instead) {
      asked.resume()
      answer.writeHead(instead.status, instead.headers).end(instead.body)
      return
    }
    // The Host stays: Pebble builds its URLs from it, so that all of them lead here.
    const passed = request(new URL(url, pebble.directory), { method, headers, agent }, (response) => {
      answer.writeHead(response.statusCode ?? 0, response.headers)
      response.pipe(answer)
    })
    passed.once('error', () => answer.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const front: TroubledCa = {
    directory: `https://127.0.0.1:${(server.address() as AddressInfo).port}/dir`,
    trust,
    requests,
    meddle: () => undefined,
    async close() {
      agent.destroy()
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
  return front
}
