/** One attempt of the health check of a target, over HTTP/1.1, HTTP/2 or gRPC. */
import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'
import type { HealthCheckPlan, UpstreamPlan } from '../plan/model/upstreams.ts'
import { messageOf } from '../shared/errors.ts'
import { askGrpcHealth, causeOf } from '../shared/net/grpc-health.ts'
import { speaksHttp2, usesTls } from '../shared/net/origin-scheme.ts'
import { readToEnd } from '../shared/net/read-to-end.ts'
import { serverNameOf } from '../shared/net/server-name.ts'
import { failedOrNotTried, type NotTried } from '../shared/system/local-fault.ts'
import { onDemand } from '../shared/system/on-demand.ts'
import { timeoutSignal } from '../shared/time/timer.ts'

export interface TargetCheck {
  readonly upstream: UpstreamPlan
  readonly health: HealthCheckPlan
  readonly origin: string
}

/** Undefined: passed; else why not. `NotTried` says nothing about the target. */
export type CheckResult = string | NotTried | undefined

const userAgent = 'gatehouse-health'

/**
 * Each attempt opens a new connection, since accepting one is part of the check. Never rejects; ends early when
 * `stopped` aborts.
 */
export function checkTarget(check: TargetCheck, stopped: AbortSignal): Promise<CheckResult> {
  const signal = AbortSignal.any([stopped, timeoutSignal(check.health.timeout)])
  return new Promise((resolve) => {
    const failed = (error: Error) =>
      resolve(
        error.name === 'TimeoutError' || error.name === 'AbortError'
          ? `no answer within ${check.health.timeout} ms`
          : failedOrNotTried(error, messageOf(error)),
      )
    const { health, origin } = check
    try {
      if ('http' in health && !speaksHttp2(origin)) askHttp1(check, health.http, signal, { answered: resolve, failed })
      else askHttp2(check, signal, { answered: resolve, failed })
    } catch (error) {
      failed(error as Error)
    }
  })
}

/** Of several calls, the first counts. */
interface Asker {
  answered(result: CheckResult): void
  failed(error: Error): void
}

function askHttp1(check: TargetCheck, path: string, signal: AbortSignal, { answered, failed }: Asker): void {
  const sent = (usesTls(check.origin) ? onDemand.https().request : httpRequest)(
    check.origin + path,
    { agent: false, headers: { 'user-agent': userAgent }, signal, ...tlsOptions(check) },
    (response) => {
      readToEnd(response)
      answered(judge(path, response.statusCode))
    },
  )
  sent.on('error', failed)
  sent.on('close', () => answered('it closed the connection without an answer'))
  sent.end()
}

function askHttp2(check: TargetCheck, signal: AbortSignal, { answered, failed }: Asker): void {
  const { health, origin } = check
  const session = onDemand
    .http2()
    .connect(origin.replace(/^h2c?:/, usesTls(origin) ? 'https:' : 'http:'), tlsOptions(check))
  const abort = () => {
    failed(signal.reason as Error)
    session.destroy()
  }
  signal.addEventListener('abort', abort, { once: true })
  session.on('error', failed)
  session.on('close', () => {
    signal.removeEventListener('abort', abort)
    answered('it closed the connection without an answer')
  })
  if ('http' in health) {
    askStatus(session, health.http, { answered, failed })
    return
  }
  askGrpcHealth(session, { service: health.grpc.service, userAgent }, (found) => {
    answered(typeof found === 'string' ? `gRPC health: ${found}` : found)
    session.destroy()
  })
}

/** The body is read and discarded, and then the session ends: cutting it would make programs log it at each check. */
function askStatus(session: ClientHttp2Session, path: string, { answered, failed }: Asker): void {
  const stream = session.request({ ':path': path, 'user-agent': userAgent })
  stream.on('response', ({ ':status': status }) => answered(judge(path, status)))
  stream.on('error', (error) => failed(causeOf(error)))
  stream.on('close', () => session.destroy())
  stream.resume()
}

function judge(path: string, status = 0): string | undefined {
  return status >= 200 && status <= 399 ? undefined : `${path} answered ${status}`
}

function tlsOptions({ origin, upstream: { tls } }: TargetCheck) {
  if (!usesTls(origin)) return {}
  return {
    servername: serverNameOf({ origin, ...(tls && { tls }) }),
    rejectUnauthorized: tls?.verify ?? true,
    // Read each time, so that a replaced file takes effect at the next attempt.
    ...(tls?.ca !== undefined && { ca: readFileSync(tls.ca) }),
  }
}
