/**
 * The file cache of one thread: metadata for half a second, and the content of frequently used files. It outlives
 * generations, so that a reload drops nothing.
 */

import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep } from '../../shared/time/timer.ts'
import { encodeBuffer } from '../encoding/encode.ts'
import { createContentTags } from './content-tags.ts'
import { type FileFacts, type FileProblem, inspectPath, isFresh, isSame, type PathState } from './disk.ts'
import { type FileRequest, type Siblings, suffixes } from './file-request.ts'
import { createQueue } from './queue.ts'
import { Recent } from './recent.ts'
import { type FileSizes, type StoreContext, StoredFile, secondOf } from './stored-file.ts'

/** What is at a path. */
export type Found = StoredFile | FileProblem | 'folder' | 'absent'

export interface FileStore {
  /** What is at the path, at most half a second old; synchronous if it is cached. Never rejects. */
  find(request: FileRequest): Found | Promise<Found>
  /** The cached state is outdated: the next `find` checks the disk. */
  forget(request: FileRequest): void
}

export interface FileStoreOptions {
  /** For all entries, of which file contents are the largest part. */
  readonly budget: Bytes
  readonly sizes: FileSizes
}

/** How long metadata are cached. Polling works where notifications do not: overlays, NFS, bind mounts. */
const cachedFor: Milliseconds = 500

const outdated = Number.NEGATIVE_INFINITY

/** An empty file is checked again for a while: most are empty only while they are being rewritten. */
const emptyAfter: Milliseconds = 500
const recheckAfter: Milliseconds = 20

/** Bodies that wait to be encoded: about a quarter of a second of work for waiting clients. */
const maxWaiting: Bytes = 32 * 1024 * 1024

/** The weight of an entry without content: its facts and bookkeeping. */
const bareWeight = 600

interface Entry {
  readonly found: Found
  /** When the check began, by `performance.now()`. */
  seen: Milliseconds
}

const mebibyte = 1024 * 1024

/** 64 MB; less in a small container, of whose memory each thread takes a sixteenth at most. */
function defaultOptions(): FileStoreOptions {
  const budget = Math.min(64 * mebibyte, (process.constrainedMemory() || Number.POSITIVE_INFINITY) / 16)
  return { budget, sizes: { small: Math.min(mebibyte / 4, budget / 16), encodable: budget / 16 } }
}

export function createFileStore({ budget, sizes } = defaultOptions()): FileStore {
  const entries = new Recent<Entry>(budget)
  const refreshing = new Map<string, Promise<Found>>()
  const encodings = createQueue({ concurrency: 2, waiting: maxWaiting })
  const context: StoreContext = {
    sizes,
    tags: createContentTags(),
    encodeSoon: (encoding, body) => encodings.soon(() => encodeBuffer(encoding, body, 'quick'), body.length),
    encodeLater: (encoding, body) => encodings.later(() => encodeBuffer(encoding, body, 'thorough'), body.length),
    grew: (file, bytes) => {
      const key = keyOf(file.request)
      if (entries.get(key)?.found === file) entries.grow(key, bytes)
    },
  }

  async function refresh(key: string, request: FileRequest, known: Entry | undefined): Promise<Found> {
    const seen = performance.now()
    const found = await findOnDisk(request, known?.found, context).finally(() => refreshing.delete(key))
    const from = isEmptied(found) ? outdated : seen
    if (known && found === known.found && entries.get(key) === known) known.seen = from
    else entries.set(key, { found, seen: from }, bareWeight + 2 * key.length)
    return found
  }

  return {
    find(request) {
      const key = keyOf(request)
      const known = entries.get(key)
      if (known && performance.now() - known.seen < cachedFor) return known.found
      const pending = refreshing.get(key)
      if (pending) return pending
      const answer = refresh(key, request, known)
      refreshing.set(key, answer)
      return answer
    },
    forget(request) {
      const known = entries.get(keyOf(request))
      if (known) known.seen = outdated
    },
  }
}

function keyOf({ path, rendering, withheld }: FileRequest): string {
  const own = withheld === undefined ? path : `${withheld.join()}\0${path}`
  return rendering ? `${rendering.id}\0${own}` : own
}

/** The same object as before if nothing has changed. */
async function findOnDisk(request: FileRequest, before: Found | undefined, store: StoreContext): Promise<Found> {
  const { path, rendering } = request
  const state = await inspectUntilFilled(path)
  if (typeof state === 'string') return state
  if ('problem' in state) return state.problem
  const facts = state.file
  const siblings = rendering ? new Map() : await findSiblings(request, facts)
  const next = new StoredFile({ request, facts, siblings, store, dated: isDated(facts, before) })
  return before instanceof StoredFile && isAsGood(before, next) ? before : next
}

/** A file that was emptied a moment ago is checked until it is no longer empty, or has been for long enough. */
async function inspectUntilFilled(path: string): Promise<PathState> {
  const until = performance.now() + emptyAfter
  let state = await inspectPath(path)
  while (isJustEmptied(state) && performance.now() < until) {
    await sleep(recheckAfter)
    state = await inspectPath(path)
  }
  return state
}

function isJustEmptied(state: PathState): boolean {
  return typeof state === 'object' && 'file' in state && isEmptyAndFresh(state.file)
}

function isEmptied(found: Found): boolean {
  return found instanceof StoredFile && isEmptyAndFresh(found.facts)
}

function isEmptyAndFresh(facts: FileFacts): boolean {
  return facts.size === 0 && isFresh(facts)
}

/** False once a file has changed without a later date: its date says nothing about its content. */
function isDated(facts: FileFacts, before: Found | undefined): boolean {
  if (!(before instanceof StoredFile) || secondOf(facts) > secondOf(before.facts)) return true
  return before.dated && isSame(before.facts, facts)
}

/** Whether what was read and encoded before is still current. */
function isAsGood(before: StoredFile, next: StoredFile): boolean {
  return (
    before.settled &&
    isSame(before.facts, next.facts) &&
    areSame(before.siblings, next.siblings) &&
    before.request.encodings.join() === next.request.encodings.join()
  )
}

async function findSiblings(
  { path, encodings: offered, withheld }: FileRequest,
  { mtimeMs }: FileFacts,
): Promise<Siblings> {
  const encodings = withheld ? offered.filter((encoding) => !withheld.includes(encoding)) : offered
  const states = await Promise.all(encodings.map((encoding) => inspectPath(path + suffixes[encoding])))
  const found = new Map<ContentEncoding, FileFacts>()
  for (const [index, encoding] of encodings.entries()) {
    const state = states[index]
    if (typeof state !== 'object' || !('file' in state)) continue
    // An older copy was made from another state of the file; an empty one is no encoding of anything.
    if (state.file.mtimeMs >= mtimeMs && state.file.size > 0) found.set(encoding, state.file)
  }
  return found
}

function areSame(a: Siblings, b: Siblings): boolean {
  return (
    a.size === b.size &&
    [...a].every(([encoding, facts]) => {
      const other = b.get(encoding)
      return other !== undefined && isSame(facts, other)
    })
  )
}
