/** One state of one file: what of it is in memory, and how it is made ready in the encodings that clients ask for. */
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import { isCompressible } from '../encoding/compressible.ts'
import { leastWorthEncoding } from '../encoding/negotiate.ts'
import { type ContentTags, digestOf, weakTagOf } from './content-tags.ts'
import { FileChanged, type FileFacts, isSettled, openFile, readWhole } from './disk.ts'
import { mediaType } from './media-type.ts'
import { type Representation, type RepresentationParts, representation } from './representation.ts'
import { type Siblings, suffixes, type Wanted } from './wanted.ts'

/** What the files of one store have in common. */
export interface StoreContext {
  readonly sizes: FileSizes
  readonly tags: ContentTags
  /** Makes an encoding quickly, for a client that waits; undefined if it would wait too long. */
  encodeSoon(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
  /** Makes a thorough one for later clients; undefined if too much is to be done already. */
  encodeLater(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
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
  readonly around: StoreContext
  /** False: its modification date has shown that it tells nothing. */
  readonly dated: boolean
}

/** Bigger ones are downloads: encoding them each time anew would cost more than it saves. */
const largestOnTheWay = 32 * 1024 * 1024

/** What is so short is sent in one packet, and would still be in one if it were shorter. */
const onePacket = 1_200

/**
 * Modification times before this are constants, which tools set so that equal builds are equal: 1970-01-01, with or without a
 * second, and 1980-01-01, in whichever time zone. They are no dates.
 */
const firstDate = Date.UTC(1980, 0, 3)

const useless = 'useless'
type Making = Representation | Promise<Representation> | typeof useless

export class StoredFile {
  readonly wanted: Wanted
  readonly facts: FileFacts
  readonly siblings: Siblings
  readonly dated: boolean
  /**
   * The date in Last-Modified, in milliseconds; undefined if the content may change without it. A page has none: it changes
   * with its variables too.
   */
  readonly modified: number | undefined
  /** False: what was made of the file was so soon after its last change that a further one might have left the same facts. */
  settled = true
  readonly #around: StoreContext
  readonly #type: string
  #plain: Representation | Promise<Representation> | undefined
  readonly #encoded = new Map<ContentEncoding, Making>()
  readonly #lostSiblings = new Set<ContentEncoding>()

  constructor({ wanted, facts, siblings, around, dated }: StoredFileParts) {
    this.wanted = wanted
    this.facts = facts
    this.siblings = siblings
    this.dated = dated
    this.modified = dated && !wanted.rendering && facts.mtimeMs >= firstDate ? secondOf(facts) : undefined
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
   * The best form for a client with these favourites: a sibling if there is one; else an encoding of ours. The first client
   * waits until it is made, quickly; a thorough one takes its place for the next ones. Where so many are being made that it
   * would wait too long, the file goes as it is.
   */
  best(favourites: readonly ContentEncoding[]): Representation | Promise<Representation> {
    const [favourite] = favourites
    if (favourite === undefined) return this.plain()
    for (const encoding of favourites) {
      const facts = this.siblings.get(encoding)
      if (facts && !this.#lostSiblings.has(encoding)) return this.#sibling(encoding, facts)
    }
    const made = this.#encoded.get(favourite)
    if (made === useless) return this.plain()
    if (made !== undefined) return made
    const plain = this.plain()
    return plain instanceof Promise
      ? plain.then((loaded) => this.#encode(favourite, loaded))
      : this.#encode(favourite, plain)
  }

  /** The same form of a file that was read from disk and has grown since. */
  grown(form: Representation, facts: FileFacts): Representation {
    return this.#unread({ path: form.path, facts, encoding: form.encoding, onTheWay: form.encodeAs !== undefined })
  }

  async #loadPlain(): Promise<Representation> {
    const { facts } = this
    const { path, rendering } = this.wanted
    const { small, encodable } = this.#around.sizes
    const most = rendering ? Number.POSITIVE_INFINITY : this.#isWorthEncoding(facts.size) ? encodable : small
    if (facts.size > most) return this.#unread({ path, facts })
    const read = await readWhole(path, most)
    // Somebody begins to write it anew: what comes is looked at again, and not taken for nothing.
    if (read.body.length === 0 && facts.size > 0) throw new FileChanged(path)
    this.settled &&= isSettled(read.facts)
    const body = rendering ? Buffer.from(rendering.render(read.body.toString())) : read.body
    this.#around.grew(this, body.length)
    return this.#form({ path, facts: read.facts, body, etag: `"${await digestOf(body)}"` })
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
    const { small } = this.#around.sizes
    if (facts.size > small) {
      const { handle } = await openFile(path)
      await handle.close()
      return this.#unread({ path, facts, encoding })
    }
    const read = await readWhole(path, small)
    if (read.body.length === 0) throw new FileChanged(path)
    this.settled &&= isSettled(read.facts)
    this.#around.grew(this, read.body.length)
    const etag = `"${await digestOf(read.body)}-${encoding}"`
    return this.#form({ path, facts: read.facts, encoding, body: read.body, etag })
  }

  /** Begins to make the encoding if that is worth while, and gives what is sent to who asked for it. */
  #encode(encoding: ContentEncoding, plain: Representation): Representation | Promise<Representation> {
    const begun = this.#encoded.get(encoding)
    if (begun !== undefined) return begun === useless ? plain : begun
    const { path, facts, body, size } = plain
    if (!this.#isWorthEncoding(size)) return this.#settle(encoding, useless, plain)
    if (!body) {
      if (size > largestOnTheWay) return this.#settle(encoding, useless, plain)
      const form = this.#unread({ path, facts, encoding, onTheWay: true })
      return this.#settle(encoding, form, form)
    }
    const making = this.#around.encodeSoon(encoding, body)?.then(
      (encoded) => {
        if (encoded.length >= size) return this.#settle(encoding, useless, plain)
        const form = this.#keepEncoded(encoding, plain, encoded)
        if (encoded.length > onePacket && this.settled) this.#improve(encoding, plain, encoded)
        return form
      },
      () => this.#settle(encoding, useless, plain),
    )
    if (!making) return plain
    this.#encoded.set(encoding, making)
    return making
  }

  #improve(encoding: ContentEncoding, plain: Representation, quick: Buffer): void {
    this.#around.encodeLater(encoding, plain.body as Buffer)?.then(
      (encoded) => {
        if (encoded.length >= quick.length) return
        this.#around.grew(this, -quick.length)
        this.#keepEncoded(encoding, plain, encoded)
      },
      // What was made quickly is as true.
      () => {},
    )
  }

  /** Its tag is weak: it stands for the content, whose encoding another release of ours, or more effort, makes otherwise. */
  #keepEncoded(encoding: ContentEncoding, { path, facts, etag }: Representation, body: Buffer): Representation {
    this.#around.grew(this, body.length)
    const form = this.#form({ path, facts, encoding, body, etag: `W/"${opaqueOf(etag)}-${encoding}"` })
    return this.#settle(encoding, form, form)
  }

  /** A form that is read from disk each time it is sent. */
  #unread(parts: Pick<RepresentationParts, 'path' | 'facts' | 'encoding' | 'onTheWay'>): Representation {
    const { path, facts, encoding, onTheWay } = parts
    const suffix = encoding === undefined ? '' : `-${encoding}`
    const formerTag = `W/"${weakTagOf(facts)}${suffix}"`
    const digest = this.#around.tags.known(facts)
    if (digest !== undefined) {
      const etag = `${onTheWay ? 'W/' : ''}"${digest}${suffix}"`
      return this.#form({ ...parts, etag, formerTag })
    }
    if (!this.#around.tags.learn(path, facts, this.#forgetUnread)) this.settled = false
    return this.#form({ ...parts, etag: formerTag })
  }

  /** What is read each time has another tag now. */
  readonly #forgetUnread = (): void => {
    const plain = this.#plain
    if (plain && !(plain instanceof Promise) && !plain.body) this.#plain = undefined
    for (const [encoding, made] of this.#encoded) {
      if (made !== useless && !(made instanceof Promise) && !made.body) this.#encoded.delete(encoding)
    }
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

function opaqueOf(etag: string): string {
  return etag.slice(etag.indexOf('"') + 1, -1)
}

/** HTTP's dates are of whole seconds. */
export function secondOf({ mtimeMs }: FileFacts): number {
  return Math.floor(mtimeMs / 1_000) * 1_000
}
