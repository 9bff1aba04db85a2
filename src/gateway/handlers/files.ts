import { basename, dirname } from 'node:path'
import type { FastifyReply } from 'fastify'
import type { FilePlan, FilesPlan } from '../../plan/types.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Exchange } from '../exchange.ts'
import { sendError } from '../respond.ts'
import { locate } from './locate.ts'
import type { Pages } from './pages.ts'

/** Whether a file can be the answer at all. */
export function readsFiles({ request }: Exchange): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}

/** Answers with a file below the plan's root, else with the fallback, else with 404. */
export async function serveFiles(
  exchange: Exchange,
  reply: FastifyReply,
  plan: FilesPlan,
  pages: Pages | undefined,
): Promise<void> {
  if (!readsFiles(exchange)) return refuseMethod(exchange, reply)
  const relative = exchange.located ?? (await locate(plan, exchange.target.path)) ?? plan.fallback
  if (relative === undefined) {
    reply.hijack()
    sendError(exchange, 404, 'no such file')
  } else if (pages?.has(relative)) {
    reply.hijack()
    await pages
      .send(exchange, relative)
      .catch((error) => sendError(exchange, 404, `page ${relative}: ${messageOf(error)}`))
  } else {
    if (plan.cacheControl !== undefined) reply.header('cache-control', plan.cacheControl)
    reply.sendFile(relative, plan.root, { cacheControl: false })
  }
}

/** Answers every path with one file. */
export function serveFile(exchange: Exchange, reply: FastifyReply, plan: FilePlan): void {
  if (!readsFiles(exchange)) refuseMethod(exchange, reply)
  else reply.sendFile(basename(plan.path), dirname(plan.path), { cacheControl: false, dotfiles: 'allow' })
}

function refuseMethod(exchange: Exchange, reply: FastifyReply): void {
  reply.hijack()
  sendError(exchange, 405, 'files are only read', ['allow', 'GET, HEAD'])
}
