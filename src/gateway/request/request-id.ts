import { randomUUID } from 'node:crypto'
import type { RequestIdPlan } from '../../plan/model/plan.ts'

const uuidV4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** The ids of a request, sent to the client and upstreams in the plan's headers, and written to the access log. */
export interface RequestIds {
  readonly requestId: string
  /** Always generated; only if the plan names a header for it. */
  readonly internalId?: string
}

/**
 * The client's own id if the plan accepts it, else the plan's text for invalid ids, else a new one: an arbitrary id
 * could forge log lines.
 */
export function requestIdsOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  plan: RequestIdPlan,
): RequestIds {
  const sent = headers[plan.header]
  const accepted = plan.accept === 'uuid-v4' && typeof sent === 'string' && uuidV4.test(sent)
  const requestId = accepted ? sent : (plan.invalid ?? randomUUID())
  return plan.internal === undefined ? { requestId } : { requestId, internalId: randomUUID() }
}

/** The headers that carry ids: only the gateway sets them, in either direction. */
export function idHeadersOf({ header, internal }: RequestIdPlan): readonly string[] {
  return internal === undefined ? [header] : [header, internal]
}

/** Adds the ids as name and value in turn. */
export function pushIds(headers: string[], { requestId, internalId }: RequestIds, plan: RequestIdPlan): void {
  headers.push(plan.header, requestId)
  if (plan.internal !== undefined && internalId !== undefined) headers.push(plan.internal, internalId)
}
