/** Asks a service whether a request may pass, as Caddy's `forward_auth` and nginx's `auth_request` do. Never open: no answer is a no. */
import { Agent, request } from 'undici'
import type { ForwardAuthPlan } from '../../plan/guards.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../exchange.ts'
import { upstreamHeaders } from '../request-headers.ts'
import { cutAnswer, sendHead } from '../respond.ts'
import { answerFields } from '../response/answer-fields.ts'
import type { Guard, Verdict } from './guard.ts'
import { partFromSender } from './unread-body.ts'

/** The service gets the head of the request and not its body. */
const ofTheBody = new Set(['content-length', 'content-type', 'content-encoding', 'expect'])
const ours = new Set(['host', 'x-forwarded-method', 'x-forwarded-uri'])

/** Idle connections are given up before services in Node do (5 s); so many at a time that a slow service is not buried. */
export function createAuthServices(): Agent {
  return new Agent({ connections: 128, keepAliveTimeout: 4_000, keepAliveMaxTimeout: 4_000 })
}

type Answer = Awaited<ReturnType<typeof request>>

export function forwardAuth(plan: ForwardAuthPlan, agent: Agent): Guard {
  return async (exchange) => {
    const giveUp = new AbortController()
    exchange.onAbandoned(() => giveUp.abort(new Error('the client is gone')))
    const timer = setTimeout(() => giveUp.abort(tooSlow()), plan.timeout)
    let answer: Answer
    try {
      answer = await request(plan.url, {
        method: 'GET',
        headers: questionOf(exchange),
        dispatcher: agent,
        responseHeaders: 'raw',
        signal: giveUp.signal,
      })
    } catch (error) {
      return { status: statusOf(error), cause: `auth service: ${messageOf(error)}` }
    } finally {
      clearTimeout(timer)
    }
    const raw = answer.headers as unknown as readonly (Buffer | string)[]
    if (answer.statusCode < 200 || answer.statusCode > 299) return relay(exchange, answer, answerFields(raw))
    answer.body.dump().catch(() => {})
    copyHeaders(exchange, answerFields(raw), plan.copy)
    return 'pass'
  }
}

/** The request's headers as an upstream would get them, with what it is about in two more. */
function questionOf(exchange: Exchange): string[] {
  const sent = upstreamHeaders(exchange)
  const headers: string[] = []
  for (let i = 0; i < sent.length; i += 2) {
    const name = sent[i] as string
    const lower = name.toLowerCase()
    if (!ofTheBody.has(lower) && !ours.has(lower)) headers.push(name, sent[i + 1] as string)
  }
  const { request, target } = exchange
  headers.push('x-forwarded-method', request.method ?? '', 'x-forwarded-uri', target.path + target.query)
  return headers
}

/** A header that the service does not give is taken away all the same: the client must not speak for it. */
function copyHeaders(exchange: Exchange, answered: readonly string[], names: readonly string[]): void {
  for (const name of names) {
    const values = answered.filter((_, i) => i % 2 === 1 && answered[i - 1]?.toLowerCase() === name)
    exchange.replaceHeader(name, values.length === 0 ? null : values.join(', '))
  }
}

/** What the service says instead of yes is the client's to read: a challenge, or the way to a login page. */
async function relay(exchange: Exchange, answer: Answer, headers: readonly string[]): Promise<Verdict> {
  const { response } = exchange
  exchange.onAbandoned(() => answer.body.destroy())
  const close = exchange.upgrade ? ['connection', 'close'] : partFromSender(exchange)
  try {
    sendHead(exchange, answer.statusCode, [...headers, ...close])
  } catch (error) {
    answer.body.destroy()
    return { status: 502, cause: `auth service: its headers cannot be passed on: ${messageOf(error)}` }
  }
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      exchange.bytesSent += chunk.length
      if (!response.write(chunk)) await drained(exchange)
      if (exchange.over) return 'answered'
    }
    response.end()
  } catch (error) {
    if (!exchange.over) cutAnswer(exchange, `auth service: ${messageOf(error)}`)
  }
  return 'answered'
}

function drained(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    exchange.response.once('drain', resolve)
    exchange.onAbandoned(resolve)
  })
}

function tooSlow(): Error {
  return Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' })
}

const unreachable = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
])

/** 503 where the service could not be asked or took too long; 502 where it gave no sound answer. */
function statusOf(error: unknown): 502 | 503 {
  return unreachable.has(String((error as { code?: unknown }).code)) ? 503 : 502
}
