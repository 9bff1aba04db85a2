/**
 * Entity tags of files that are too big for the cache, derived from their content. Until one is known, a file has a
 * weak tag derived from its metadata (docs/adr/0018-entity-tags.md).
 */

import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { sleep } from '../../shared/time/timer.ts'
import { type FileFacts, isSame, isSettled, openFile, readPart } from './disk.ts'
import { Recent } from './recent.ts'

export interface ContentTags {
  /** The digest of the file's content in this state, if it is known. */
  known(facts: FileFacts): string | undefined
  /**
   * Queues the file to be read, and calls back when its digest is known; the same callback is called once. A file is
   * not read if it is too big, or has changed or gone when its turn comes. False: call again later, since the file has
   * just changed or too many are waiting.
   */
  learn(path: string, facts: FileFacts, known: () => void): boolean
}

interface Unread {
  readonly path: string
  readonly facts: FileFacts
  readonly whenKnown: Set<() => void>
}

const mebibyte = 1024 * 1024

/** A bigger file would delay all others: its tag stays weak. */
const maxSize = 4_096 * mebibyte
const maxWaiting = 256
/** Memory for known digests: of about ten thousand files. */
const budget = 2 * mebibyte
const entryWeight = 200

/**
 * Reads one file at a time, in one thread of the pool, and at most half of the time, so that clients' reads come first.
 */
export function createContentTags(): ContentTags {
  const digests = new Recent<string>(budget)
  const waiting = new Map<string, Unread>()
  let reading = false

  async function readAll(): Promise<void> {
    reading = true
    for (const [key, { path, facts, whenKnown }] of waiting) {
      try {
        digests.set(key, await digestOfFile(path, facts), entryWeight)
        for (const known of whenKnown) known()
      } catch {
        // Changed or gone: the next request has other facts.
      }
      waiting.delete(key)
    }
    reading = false
  }

  return {
    known: (facts) => digests.get(keyOf(facts)),
    learn(path, facts, known) {
      const key = keyOf(facts)
      const unread = waiting.get(key)
      if (unread) unread.whenKnown.add(known)
      if (unread || facts.size > maxSize) return true
      if (waiting.size >= maxWaiting || !isSettled(facts)) return false
      waiting.set(key, { path, facts, whenKnown: new Set([known]) })
      if (!reading) void readAll()
      return true
    },
  }
}

function keyOf({ dev, ino, size, mtimeMs, ctimeMs }: FileFacts): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

async function digestOfFile(path: string, expected: FileFacts): Promise<string> {
  const { handle, facts } = await openFile(path)
  try {
    if (!isSame(facts, expected)) throw new Error(`${path} has been replaced`)
    const pieces: Buffer[] = []
    let began = performance.now()
    for await (const piece of readPart(handle, facts, { from: 0, to: facts.size }, pieceSize)) {
      pieces.push(await sha256(piece))
      await sleep(performance.now() - began, undefined, { ref: false })
      began = performance.now()
    }
    return await combine(pieces)
  } finally {
    await handle.close()
  }
}

const pieceSize = mebibyte

/**
 * The digest of content in memory: the same content has the same digest in every thread and replica. Above one
 * mebibyte, it is the digest of the digests of each, since the pool cannot digest incrementally.
 */
export async function digestOf(content: Buffer): Promise<string> {
  const pieces: Buffer[] = []
  for (let at = 0; at === 0 || at < content.length; at += pieceSize) {
    pieces.push(await sha256(content.subarray(at, at + pieceSize)))
  }
  return combine(pieces)
}

async function combine(pieces: readonly Buffer[]): Promise<string> {
  const [only = Buffer.alloc(0)] = pieces
  const digest = pieces.length === 1 ? only : await sha256(Buffer.concat(pieces))
  return digest.toString('base64url').slice(0, 22)
}

/** Runs in libuv's thread pool. */
async function sha256(content: Buffer): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', content as Buffer<ArrayBuffer>))
}

/**
 * The opaque part of a weak tag, from all facts of a file, including those that no tool can set, so that files of two
 * releases with equal size and modification time differ. On some image file systems all facts are equal, so the start
 * time of this process is included. Hashed, so that inodes are not disclosed.
 */
export function weakTagOf(facts: FileFacts): string {
  return hash('sha256', `${startOfProcess} ${keyOf(facts)}`, 'base64url').slice(0, 22)
}

/** The same in all threads; empty without /proc. */
const startOfProcess = readStartOfProcess()

function readStartOfProcess(): string {
  try {
    // proc(5): the 22nd field; the second may contain spaces and brackets.
    const stat = readFileSync('/proc/self/stat', 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
