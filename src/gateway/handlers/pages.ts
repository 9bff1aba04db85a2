import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { FilesPlan, RenderPlan } from '../../plan/types.ts'
import type { Exchange } from '../exchange.ts'
import { sendHead } from '../respond.ts'
import { pageKind } from './render.ts'

interface Page {
  readonly body: Buffer
  readonly etag: string
  /** Change time and size of the file it was made from; another pair means that it must be made again. */
  readonly madeFrom: string
}

export interface Pages {
  /** True if the file at this relative path is a rendered one. */
  has(relative: string): boolean
  /** Answers with the rendered page; rejects if the file cannot be read. */
  send(exchange: Exchange, relative: string): Promise<void>
}

export function createPages(plan: FilesPlan, render: RenderPlan): Pages {
  const made = new Map<string, Page>()

  async function page(relative: string): Promise<Page> {
    const path = join(plan.root, relative)
    const { mtimeMs, size } = await stat(path)
    const madeFrom = `${mtimeMs} ${size}`
    const known = made.get(relative)
    if (known?.madeFrom === madeFrom) return known
    const body = Buffer.from(pageKind(relative).render(await readFile(path, 'utf8'), render.variables))
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
    const next = { body, etag, madeFrom }
    made.set(relative, next)
    return next
  }

  return {
    has: (relative) => render.files.includes(relative),
    async send(exchange, relative) {
      const { body, etag } = await page(relative)
      const headers = ['etag', etag, ...cacheControl(plan)]
      if (matchesTag(exchange.request.headers['if-none-match'], etag)) {
        sendHead(exchange, 304, headers)
        exchange.response.end()
        return
      }
      sendHead(exchange, 200, [
        ...headers,
        'content-type',
        pageKind(relative).contentType,
        'content-length',
        String(body.length),
      ])
      const head = exchange.request.method === 'HEAD'
      exchange.bytesSent = head ? 0 : body.length
      exchange.response.end(head ? undefined : body)
    },
  }
}

function cacheControl(plan: FilesPlan): readonly string[] {
  return plan.cacheControl === undefined ? [] : ['cache-control', plan.cacheControl]
}

/** RFC 9110 §13.1.2: weak comparison. */
function matchesTag(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false
  return condition === '*' || condition.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}
