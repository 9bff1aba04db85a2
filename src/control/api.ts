import fastify, { type FastifyInstance } from 'fastify'
import { messageOf } from '../shared/errors.ts'
import { type CertificateStatus, certificateStatusSchema, type RenewalRefusal } from './contract/certificates.ts'
import { type Failure, paths, type Status, statusSchema } from './contract/contract.ts'
import { type ReloadPreview, reloadPreviewSchema } from './contract/reload.ts'
import { type RunReport, runSchema } from './contract/runs.ts'
import type { ControlSource } from './control-source.ts'
import { dashboardPage } from './dashboard/page.ts'
import type { EventStreams } from './event-stream.ts'

interface StartRequest {
  Params: { readonly name: string }
  Querystring: { readonly wait?: string }
}

interface RenewRequest {
  Params: { readonly name: string }
  Querystring: { readonly revoke?: string }
}

const renewalCodes: Readonly<Record<RenewalRefusal, number>> = {
  'unknown-certificate': 404,
  'not-renewable': 409,
  'renewal-failed': 502,
}

/**
 * The control API and the dashboard: `GET /v1/status`, `GET /v1/events`, `GET /v1/reload`, `POST
 * /v1/processes/NAME/start`, `POST /v1/certificates/NAME/renew`.
 */
export async function createApi(source: ControlSource, streams: EventStreams): Promise<FastifyInstance> {
  const app = fastify({ logger: false })
  // Parsing drops fields beyond the contract: a child's environment, for example, must never leave the process.
  app.get(paths.status, async (): Promise<Status> => statusSchema.parse(source.status()))
  app.get(paths.dashboard, async (_request, reply): Promise<string> => {
    reply.header('Cache-Control', 'no-store').type('text/html; charset=utf-8')
    return dashboardPage(statusSchema.parse(source.status()), Date.now())
  })
  app.get<{ Querystring: { readonly since?: string } }>(paths.events, async (request, reply) => {
    const { since } = request.query
    if (since !== undefined && !/^\d{1,15}$/.test(since)) {
      return reply.code(400).send(failure('bad-request', '`since` is the id of an event: a whole number'))
    }
    if (streams.full)
      return reply.code(503).send(failure('too-many-clients', 'too many clients follow the events already'))
    reply.hijack()
    streams.open(reply.raw, since === undefined ? undefined : Number(since))
  })
  app.get(paths.reload, async (_request, reply): Promise<ReloadPreview | Failure> => {
    const answer = await source.previewReload()
    if ('refused' in answer) {
      reply.code(409)
      return failure(answer.refused, answer.message)
    }
    return reloadPreviewSchema.parse(answer)
  })
  app.post<StartRequest>(paths.start, async (request, reply): Promise<RunReport | Failure> => {
    const { name } = request.params
    const answer = source.run(name)
    if (!answer.started) {
      reply.code(answer.refusal === 'unknown-process' ? 404 : 409)
      return failure(answer.refusal, answer.message)
    }
    if (request.query.wait === 'true') return runSchema.parse({ process: name, ...(await answer.ended) })
    reply.code(202)
    return { process: name, outcome: 'started' }
  })
  app.post<RenewRequest>(paths.renew, async (request, reply): Promise<CertificateStatus | Failure> => {
    const answer = await source.renew(request.params.name, { revoke: request.query.revoke === 'true' })
    if (answer.renewed) return certificateStatusSchema.parse(answer.certificate)
    reply.code(renewalCodes[answer.refusal])
    return failure(answer.refusal, answer.message)
  })
  app.setNotFoundHandler(async (request, reply): Promise<Failure> => {
    reply.code(404)
    return failure('not-found', `the control API has no ${request.method} ${request.url}`)
  })
  app.setErrorHandler(async (error: { statusCode?: number }, _request, reply): Promise<Failure> => {
    reply.code(error.statusCode ?? 500)
    return failure(error.statusCode === undefined ? 'internal' : 'bad-request', messageOf(error))
  })
  await app.ready()
  return app
}

function failure(code: string, message: string): Failure {
  return { error: { code, message } }
}
