/** A client that sends exactly the given bytes, on a connection of its own. */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { expect } from 'vitest'
import type { Seen } from './upstream.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Options {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
  /** Over TLS, trusting this certificate and no other. The name that is asked for is `host`. */
  readonly ca?: string | readonly string[]
  readonly host?: string
}

/** Asks 127.0.0.1 at this port. Rejects if there is no answer, and over TLS if the certificate is not what was trusted. */
export function ask(port: number, path: string, wish: Options = {}): Promise<Answer> {
  const { method = 'GET', headers, body: sent, ca, host } = wish
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: { ...(host && { host }), ...headers },
      agent: false as const,
    }
    const asked =
      ca === undefined ? request(options) : secureRequest({ ...options, ca: [ca].flat(), servername: host ?? '' })
    asked.once('error', reject).once('response', (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    asked.end(sent)
  })
}

/** What the upstream saw of it; it must have answered. */
export async function seen(port: number, path: string, wish: Options = {}): Promise<Seen> {
  const { status, body } = await ask(port, path, wish)
  expect(status, body).toBe(200)
  return JSON.parse(body) as Seen
}

/** Headers of HTTP's Basic authentication (RFC 7617). */
export function basic(user: string, password: string): { readonly headers: { readonly authorization: string } } {
  return { headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` } }
}
