/**
 * Entity tags of files that are too big for memory, made from their content. Until one is known a file has a weak tag made
 * from its facts (docs/adr/0018-entity-tags.md).
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
   * Begins to read the file for that, when its turn has come, and calls back when it is known; the same callback counts once.
   * A file that is too big is never read, nor one that is another or gone when its turn comes. False: ask again later, since it
   * was changed a moment ago or too many are waiting.
   */
  learn(path: string, facts: FileFacts, known: () => void): boolean
}

interface Unread {
  readonly path: string
  readonly facts: FileFacts
  readonly whenKnown: Set<() => void>
}

const mebibyte = 1024 * 1024

/** A bigger one would hold up all others: its tag stays weak. */
const biggest = 4_096 * mebibyte
const mostWaiting = 256
/** Of the memory for what is known: about ten thousand files. */
const budget = 2 * mebibyte
const entryWeight = 200

/** One file at a time, in one thread of the pool, and half of the time at most: whoever reads files for a client goes first. */
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
        // Changed or gone: it is asked for under other facts, or not at all.
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
      if (unread || facts.size > biggest) return true
      if (waiting.size >= mostWaiting || !isSettled(facts)) return false
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
    if (!isSame(facts, expected)) throw new Error(`${path} is another file by now`)
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
 * The digest of content in memory: the same content has the same one on every thread and every replica, wherever it was
 * read. Of more than a mebibyte it is that of the digests of each, since the pool digests only what is whole.
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

/** In libuv's pool. */
async function sha256(content: Buffer): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', content as Buffer<ArrayBuffer>))
}

/**
 * The opaque part of a weak tag, from all facts of a file: also of those that no tool can set, so that files of two releases
 * with one size and one modification time have two. Images on some file systems have all facts in common; the start of this
 * process, which is in it too, they have not. Digested, since nobody needs to know our inodes.
 */
export function weakTagOf(facts: FileFacts): string {
  return hash('sha256', `${startOfProcess} ${keyOf(facts)}`, 'base64url').slice(0, 22)
}

/** The same in all threads; where there is no /proc, the facts must do. */
const startOfProcess = readStartOfProcess()

function readStartOfProcess(): string {
  try {
    // proc(5): the 22nd field, of which the second may have blanks and brackets in it.
    const stat = readFileSync('/proc/self/stat', 'latin1')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
