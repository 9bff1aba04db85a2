/** One state of one file: what of it is in memory, and how it is made ready in the encodings that clients ask for. */
import type { ContentEncoding } from '../../plan/types.ts'
import type { Bytes } from '../../shared/bytes.ts'
import { isCompressible } from '../encoding/compressible.ts'
import { leastWorthEncoding } from '../encoding/negotiate.ts'
import { type FileFacts, isSettled, openFile, readWhole } from './disk.ts'
import { mediaType } from './media-type.ts'
import { type Representation, type RepresentationParts, representation, tagOf, tagOfFacts } from './representation.ts'

/** A file whose content is made from the one on disk. */
export interface Rendering {
  /** Distinguishes it from other renderings of the same file. */
  readonly id: string
  readonly type: string
  render(text: string): string
}

/** Files that someone has encoded already, and that stand beside the file and are not older: by their encoding. */
export type Siblings = ReadonlyMap<ContentEncoding, FileFacts>

/** What the files of one store have in common. */
export interface FileSurroundings {
  readonly sizes: FileSizes
  /** Makes an encoding when its turn has come; undefined if too many wait already. */
  encode(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
  /** So many bytes more are kept for this file. */
  grew(file: StoredFile, bytes: number): void
}

export interface FileSizes {
  /** Up to here every file is kept in memory: it is sent in one write. */
  readonly small: Bytes
  /**
   * Up to here those are that would have to be encoded again and again. Others are read from disk for each answer, through a
   * small buffer: a thousand clients that read a thousand photos slowly must not make us hold all of them.
   */
  readonly encodable: Bytes
}

export interface StoredFileParts {
  readonly facts: FileFacts
  readonly siblings: Siblings
  readonly wanted: Wanted
  readonly around: FileSurroundings
}

export interface Wanted {
  /** Absolute. */
  readonly path: string
  readonly rendering?: Rendering | undefined
  /** The encodings that clients are offered. */
  readonly encodings: readonly ContentEncoding[]
  /** Of these no file encoded beforehand is sent, even if it is there. */
  readonly withheld?: readonly ContentEncoding[]
}

/** Bigger ones are downloads: encoding them each time anew would cost more than it saves. */
const largestOnTheWay = 32 * 1024 * 1024

const useless = 'useless'
type Making = Representation | Promise<Representation> | typeof useless

export class StoredFile {
  readonly wanted: Wanted
  readonly facts: FileFacts
  readonly siblings: Siblings
  /** The date in Last-Modified, in milliseconds. A page has none: it changes with its variables too. */
  readonly modified: number | undefined
  /** False: what was made of the file was so soon after its last change that a further one might have left the same facts. */
  settled = true
  readonly #around: FileSurroundings
  readonly #type: string
  #plain: Representation | Promise<Representation> | undefined
  readonly #encoded = new Map<ContentEncoding, Making>()
  readonly #lostSiblings = new Set<ContentEncoding>()

  constructor({ wanted, facts, siblings, around }: StoredFileParts) {
    this.wanted = wanted
    this.facts = facts
    this.siblings = siblings
    this.modified = wanted.rendering ? undefined : Math.floor(facts.mtimeMs / 1_000) * 1_000
    this.#around = around
    this.#type = wanted.rendering?.type ?? mediaType(wanted.path)
  }

  /** The tag of the file as it is, if that is known without reading it. */
  get plainTag(): string | undefined {
    return this.#plain instanceof Promise ? undefined : this.#plain?.etag
  }

  /** The file as it is. Rejects as `troubleOf` understands it. */
  plain(): Representation | Promise<Representation> {
    if (this.#plain) return this.#plain
    const loading = this.#loadPlain()
    this.#plain = loading
    loading.then(
      (loaded) => {
        this.#plain = loaded
      },
      () => {
        this.#plain = undefined
      },
    )
    return loading
  }

  /**
   * The best form for a client with these favourites: a sibling if there is one; else an encoding of ours, which is made
   * from the first wish for it on. No answer waits for that: until it is ready, the file goes as it is.
   */
  best(favourites: readonly ContentEncoding[]): Representation | Promise<Representation> {
    const [favourite] = favourites
    if (favourite === undefined) return this.plain()
    for (const encoding of favourites) {
      const facts = this.siblings.get(encoding)
      if (facts && !this.#lostSiblings.has(encoding)) return this.#sibling(encoding, facts)
    }
    const made = this.#encoded.get(favourite)
    if (made !== undefined && made !== useless && !(made instanceof Promise)) return made
    const plain = this.plain()
    if (made !== undefined) return plain
    return plain instanceof Promise
      ? plain.then((loaded) => this.#begin(favourite, loaded))
      : this.#begin(favourite, plain)
  }

  async #loadPlain(): Promise<Representation> {
    const { facts } = this
    const { path, rendering } = this.wanted
    const { small, encodable } = this.#around.sizes
    const most = rendering ? Number.POSITIVE_INFINITY : this.#isWorthEncoding(facts.size) ? encodable : small
    if (facts.size > most) return this.#unread({ path, facts })
    const read = await readWhole(path, most)
    this.settled &&= isSettled(read.facts)
    const body = rendering ? Buffer.from(rendering.render(read.body.toString())) : read.body
    this.#around.grew(this, body.length)
    return this.#form({ path, facts: read.facts, body, etag: await tagOf(body) })
  }

  #sibling(encoding: ContentEncoding, facts: FileFacts): Representation | Promise<Representation> {
    const known = this.#encoded.get(encoding)
    if (known !== undefined && known !== useless) return known
    const loading = this.#loadSibling(encoding, facts).then(
      (loaded) => this.#settle(encoding, loaded, loaded),
      // Gone, or not ours to read: the file itself may still be.
      () => {
        this.#encoded.delete(encoding)
        this.#lostSiblings.add(encoding)
        return this.plain()
      },
    )
    this.#encoded.set(encoding, loading)
    return loading
  }

  async #loadSibling(encoding: ContentEncoding, facts: FileFacts): Promise<Representation> {
    const path = this.wanted.path + suffixes[encoding]
    const suffix = `-${encoding}`
    const { small } = this.#around.sizes
    if (facts.size > small) {
      const { handle } = await openFile(path)
      await handle.close()
      return this.#unread({ path, facts, encoding })
    }
    const read = await readWhole(path, small)
    this.settled &&= isSettled(read.facts)
    this.#around.grew(this, read.body.length)
    return this.#form({ path, facts: read.facts, encoding, body: read.body, etag: await tagOf(read.body, suffix) })
  }

  /** Begins to make the encoding if that is worth while, and gives what can be sent at once. */
  #begin(encoding: ContentEncoding, plain: Representation): Representation {
    const { path, facts, body, etag } = plain
    if (!this.#isWorthEncoding(plain.size)) return this.#settle(encoding, useless, plain)
    const own = etag.replace(/"$/, `-${encoding}"`)
    if (!body) {
      if (plain.size > largestOnTheWay) return this.#settle(encoding, useless, plain)
      const weak = own.startsWith('W/') ? own : `W/${own}`
      const form = this.#form({ path, facts, encoding, etag: weak, onTheWay: true })
      return this.#settle(encoding, form, form)
    }
    if (this.#encoded.has(encoding)) return plain
    const making = this.#around.encode(encoding, body)?.then((encoded) => {
      if (encoded.length >= body.length) return this.#settle(encoding, useless, plain)
      this.#around.grew(this, encoded.length)
      const form = this.#form({ path, facts, encoding, body: encoded, etag: own })
      return this.#settle(encoding, form, form)
    })
    if (!making) return plain
    making.catch(() => this.#encoded.set(encoding, useless))
    return this.#settle(encoding, making, plain)
  }

  /** A form that is read from disk each time it is sent. */
  #unread(parts: Pick<RepresentationParts, 'path' | 'facts' | 'encoding'>): Representation {
    const settled = isSettled(parts.facts)
    this.settled &&= settled
    return this.#form({ ...parts, etag: tagOfFacts(parts.facts, settled, parts.encoding && `-${parts.encoding}`) })
  }

  #settle(encoding: ContentEncoding, made: Making, sent: Representation): Representation {
    this.#encoded.set(encoding, made)
    return sent
  }

  #form(parts: Omit<RepresentationParts, 'type' | 'modified' | 'varies'>): Representation {
    const modified = this.modified === undefined ? undefined : new Date(this.modified).toUTCString()
    const size = parts.body?.length ?? parts.facts.size
    const varies = parts.encoding !== undefined || this.siblings.size > 0 || this.#isWorthEncoding(size)
    return representation({ ...parts, type: this.#type, modified, varies })
  }

  #isWorthEncoding(size: number): boolean {
    return this.wanted.encodings.length > 0 && size >= leastWorthEncoding && isCompressible(this.#type)
  }
}

export const suffixes: Readonly<Record<ContentEncoding, string>> = { zstd: '.zst', br: '.br', gzip: '.gz' }
