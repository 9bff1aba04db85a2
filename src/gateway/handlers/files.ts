import type { ContentEncoding, FilePlan, FilesPlan } from '../../plan/model/plan.ts'
import type { Negotiate } from '../encoding/negotiate.ts'
import { FileChanged, type FileProblem, problemOf } from '../files/disk.ts'
import type { FileRequest } from '../files/file-request.ts'
import { sendFile } from '../files/send-file.ts'
import type { FileStore, Found } from '../files/store.ts'
import { StoredFile } from '../files/stored-file.ts'
import type { Exchange } from '../request/exchange.ts'
import type { FlatHeaders } from '../response/flat-headers.ts'
import { sendError, sendText } from '../response/respond.ts'
import { createLocator } from './locate.ts'

/** What all routes that serve files share. */
export interface FileService {
  readonly store: FileStore
  readonly encodings: readonly ContentEncoding[]
  readonly negotiate: Negotiate
}

/** A route that serves a folder, compiled once per generation. */
export interface Folder {
  /** Whether a request without a file is left to the next matching route. */
  readonly existingOnly: boolean
  /** The file that the request names, if it exists: routes with `existingOnly` are chosen by it. */
  locate(exchange: Exchange): StoredFile | undefined | Promise<StoredFile | undefined>
  /** Sends the file that the path names, else the fallback, else 404. */
  answer(exchange: Exchange): void | Promise<void>
}

/** Whether the method can be answered with a file. */
export function readsFiles({ request }: Exchange): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}

export function createFolder(plan: FilesPlan, service: FileService): Folder {
  const { store } = service
  const locator = createLocator(plan, service.encodings)
  const { cacheControl } = plan
  const send = createSender(service, cacheControl === undefined ? [] : ['cache-control', cacheControl])
  const sendFallback = createSender(
    service,
    cacheControl === undefined ? [] : ['cache-control', fallbackCacheControl(cacheControl)],
  )

  async function answerOther(exchange: Exchange, found: Found): Promise<void> {
    const { fallback } = locator
    if (isProblem(found) && found.status !== 404) return refuse(exchange, found)
    if (fallback) {
      const page = await store.find(fallback)
      if (page instanceof StoredFile) return sendFallback(exchange, page)
      return refuse(exchange, isProblem(page) ? page : { status: 404, cause: 'no such file, and no fallback file' })
    }
    if (found === 'folder' && (await hasIndex(exchange))) return redirectInto(exchange)
    refuse(exchange, isProblem(found) ? found : { status: 404, cause: 'no such file' })
  }

  async function hasIndex({ inner }: Exchange): Promise<boolean> {
    const index = locator.indexOf(inner.path)
    return index !== undefined && (await store.find(index)) instanceof StoredFile
  }

  function answerWith(exchange: Exchange, found: Found): void | Promise<void> {
    return found instanceof StoredFile ? send(exchange, found) : answerOther(exchange, found)
  }

  return {
    existingOnly: plan.existingOnly,
    locate({ inner }) {
      const request = locator.named(inner.path)
      if (!request) return undefined
      // Most of these requests are for other routes: that the folder `api` does not exist is known after the first of
      // them.
      const top = locator.topOf(inner.path)
      if (top && store.find(top) === 'absent') return undefined
      const found = store.find(request)
      return found instanceof Promise ? found.then(fileOrNothing) : fileOrNothing(found)
    },
    answer(exchange) {
      if (!readsFiles(exchange)) return refuseMethod(exchange)
      if (exchange.located) return send(exchange, exchange.located)
      const request = locator.named(exchange.inner.path)
      const found = request ? store.find(request) : 'absent'
      return found instanceof Promise ? found.then((seen) => answerWith(exchange, seen)) : answerWith(exchange, found)
    },
  }
}

/** Sends one file for every path. */
export function createFileAnswer(plan: FilePlan, service: FileService): Folder['answer'] {
  const send = createSender(service, [])
  const request: FileRequest = { path: plan.path, encodings: service.encodings }
  return async (exchange) => {
    if (!readsFiles(exchange)) return refuseMethod(exchange)
    const found = await service.store.find(request)
    if (found instanceof StoredFile) return send(exchange, found)
    refuse(exchange, isProblem(found) ? found : { status: 404, cause: `${plan.path} does not exist` })
  }
}

/** Directives that only restrict caching (RFC 9111 §5.2.2): they apply to the fallback as well. */
const restricting = /^(?:no-store|private|no-transform|must-revalidate|proxy-revalidate)$/i

/**
 * The Cache-Control of the fallback, given that of the route's files. A lifetime belongs to a file by its name; a file
 * of that name may come with the next release, so the fallback must be revalidated each time.
 */
function fallbackCacheControl(ofFiles: string): string {
  const kept = ofFiles.split(',').flatMap((directive) => {
    const name = directive.split('=', 1)[0]?.trim() ?? ''
    return restricting.test(name) ? [name.toLowerCase()] : []
  })
  return ['no-cache', ...kept].join(', ')
}

const attempts = 3

/** Sends a file; retries if the file has been replaced meanwhile, unless the answer has begun. */
function createSender({ store, negotiate }: FileService, headers: FlatHeaders) {
  async function recover(exchange: Exchange, file: StoredFile, error: unknown, attempt: number): Promise<void> {
    if (exchange.over) return
    const problem = problemOf(error)
    if (exchange.response.headersSent || attempt === attempts) return refuse(exchange, problem)
    if (!(error instanceof FileChanged) && problem.status !== 404) return refuse(exchange, problem)
    store.forget(file.request)
    const found = await store.find(file.request)
    if (found instanceof StoredFile) return send(exchange, found, attempt + 1)
    refuse(exchange, isProblem(found) ? found : problem)
  }

  function send(exchange: Exchange, file: StoredFile, attempt = 1): void | Promise<void> {
    const accepted = negotiate(exchange.request.headers['accept-encoding'] as string | undefined)
    const sending = sendFile(exchange, file, { accepted, headers })
    return sending?.catch((error) => recover(exchange, file, error, attempt))
  }

  return send
}

function fileOrNothing(found: Found | undefined): StoredFile | undefined {
  return found instanceof StoredFile ? found : undefined
}

function isProblem(found: Found): found is FileProblem {
  return typeof found === 'object' && 'cause' in found
}

function refuse(exchange: Exchange, { status, cause }: FileProblem): void {
  sendError(exchange, status, cause)
}

/**
 * Adds the trailing slash, so that relative links in the index lead into the folder. The location is relative: it keeps
 * a prefix that the route strips, and no path can make it name another host.
 */
function redirectInto(exchange: Exchange): void {
  const { path, query } = exchange.target
  sendText(exchange, 308, '', ['location', `./${path.slice(path.lastIndexOf('/') + 1)}/${query}`])
}

function refuseMethod(exchange: Exchange): void {
  sendError(exchange, 405, 'files can only be read', ['allow', 'GET, HEAD'])
}
