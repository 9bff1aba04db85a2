/** One state of one file: its cached content, and its encodings, made when clients ask for them. */
import type { ContentEncoding } from '../../plan/model/plan.ts'
import type { Bytes } from '../../shared/bytes.ts'
import { isCompressible } from '../encoding/compressible.ts'
import { minEncodedSize } from '../encoding/negotiate.ts'
import { type ContentTags, digestOf, weakTagOf } from './content-tags.ts'
import { FileChanged, type FileFacts, isSettled, openFile, readContent } from './disk.ts'
import { type FileRequest, type Siblings, suffixes } from './file-request.ts'
import { mediaType } from './media-type.ts'
import { type Representation, type RepresentationParts, representation } from './representation.ts'

/** What the files of one store share. */
export interface StoreContext {
  readonly sizes: FileSizes
  readonly tags: ContentTags
  /** Encodes quickly, for a client that waits; undefined if it would wait too long. */
  encodeSoon(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
  /** Encodes thoroughly, for later clients; undefined if too much is queued already. */
  encodeLater(encoding: ContentEncoding, body: Buffer): Promise<Buffer> | undefined
  /** The cache holds this many more bytes for the file. */
  grew(file: StoredFile, bytes: number): void
}

export interface FileSizes {
  /** Files up to this size are cached, and sent in one write. */
  readonly small: Bytes
  /**
   * Files up to this size are cached if they are worth encoding. Others are read from disk for each answer, through a
   * small buffer: a thousand slow clients of a thousand photos must not fill the memory.
   */
  readonly encodable: Bytes
}

export interface StoredFileParts {
  readonly facts: FileFacts
  readonly siblings: Siblings
  readonly request: FileRequest
  readonly store: StoreContext
  /** False: its modification date is known to be unreliable. */
  readonly dated: boolean
}

/** Larger files are downloads: encoding them for each answer would cost more than it saves. */
const maxEncodedOnTheFly = 32 * 1024 * 1024

/** Bodies up to this size fit in one packet, so a better encoding saves nothing. */
const onePacket = 1_200

/**
 * Earlier modification times are constants that tools set for reproducible builds: 1970-01-01, with or without a
 * second, and 1980-01-01, in any time zone. They are no dates.
 */
const firstDate = Date.UTC(1980, 0, 3)

const useless = 'useless'
type Making = Representation | Promise<Representation> | typeof useless

export class StoredFile {
  readonly request: FileRequest
  readonly facts: FileFacts
  readonly siblings: Siblings
  readonly dated: boolean
  /**
   * The date in Last-Modified, in milliseconds; undefined if the content may change without it. A rendered page has
   * none, since it changes with its variables too.
   */
  readonly modified: number | undefined
  /** False: the file was read so soon after its last change that another change might have left the same facts. */
  settled = true
  readonly #store: StoreContext
  readonly #type: string
  #plain: Representation | Promise<Representation> | undefined
  readonly #encoded = new Map<ContentEncoding, Making>()
  readonly #lostSiblings = new Set<ContentEncoding>()

  constructor({ request, facts, siblings, store, dated }: StoredFileParts) {
    this.request = request
    this.facts = facts
    this.siblings = siblings
    this.dated = dated
    this.modified = dated && !request.rendering && facts.mtimeMs >= firstDate ? secondOf(facts) : undefined
    this.#store = store
    this.#type = request.rendering?.type ?? mediaType(request.path)
  }

  /** The tag of the unencoded file, if it is known already. */
  get plainTag(): string | undefined {
    return this.#plain instanceof Promise ? undefined : this.#plain?.etag
  }

  /** The unencoded file. Rejects with errors for `problemOf`. */
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
   * The best form for a client that accepts these encodings: a precompressed sibling if there is one, else one made
   * here. The first client waits for a quick encoding; a thorough one replaces it later. If too many are queued, the
   * file is sent unencoded.
   */
  best(accepted: readonly ContentEncoding[]): Representation | Promise<Representation> {
    const [preferred] = accepted
    if (preferred === undefined) return this.plain()
    for (const encoding of accepted) {
      const facts = this.siblings.get(encoding)
      if (facts && !this.#lostSiblings.has(encoding)) return this.#sibling(encoding, facts)
    }
    const made = this.#encoded.get(preferred)
    if (made === useless) return this.plain()
    if (made !== undefined) return made
    const plain = this.plain()
    return plain instanceof Promise
      ? plain.then((loaded) => this.#encode(preferred, loaded))
      : this.#encode(preferred, plain)
  }

  /** The same form for a file that has grown since. */
  grown(form: Representation, facts: FileFacts): Representation {
    return this.#unread({ path: form.path, facts, encoding: form.encoding, onTheFly: form.encodeAs !== undefined })
  }

  async #loadPlain(): Promise<Representation> {
    const { facts } = this
    const { path, rendering } = this.request
    const { small, encodable } = this.#store.sizes
    const most = rendering ? Number.POSITIVE_INFINITY : this.#isWorthEncoding(facts.size) ? encodable : small
    if (facts.size > most) return this.#unread({ path, facts })
    const read = await readContent(path, most)
    // The file is being rewritten: look again, instead of sending an empty file.
    if (read.body.length === 0 && facts.size > 0) throw new FileChanged(path)
    this.settled &&= isSettled(read.facts)
    const body = rendering ? Buffer.from(rendering.render(read.body.toString())) : read.body
    this.#store.grew(this, body.length)
    return this.#form({ path, facts: read.facts, body, etag: `"${await digestOf(body)}"` })
  }

  #sibling(encoding: ContentEncoding, facts: FileFacts): Representation | Promise<Representation> {
    const known = this.#encoded.get(encoding)
    if (known !== undefined && known !== useless) return known
    const loading = this.#loadSibling(encoding, facts).then(
      (loaded) => this.#settle(encoding, loaded, loaded),
      // Gone or unreadable, but the file itself may be fine.
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
    const path = this.request.path + suffixes[encoding]
    const { small } = this.#store.sizes
    if (facts.size > small) {
      const { handle } = await openFile(path)
      await handle.close()
      return this.#unread({ path, facts, encoding })
    }
    const read = await readContent(path, small)
    if (read.body.length === 0) throw new FileChanged(path)
    this.settled &&= isSettled(read.facts)
    this.#store.grew(this, read.body.length)
    const etag = `"${await digestOf(read.body)}-${encoding}"`
    return this.#form({ path, facts: read.facts, encoding, body: read.body, etag })
  }

  /** Starts to encode if that is worthwhile; returns the form to send. */
  #encode(encoding: ContentEncoding, plain: Representation): Representation | Promise<Representation> {
    const begun = this.#encoded.get(encoding)
    if (begun !== undefined) return begun === useless ? plain : begun
    const { path, facts, body, size } = plain
    if (!this.#isWorthEncoding(size)) return this.#settle(encoding, useless, plain)
    if (!body) {
      if (size > maxEncodedOnTheFly) return this.#settle(encoding, useless, plain)
      const form = this.#unread({ path, facts, encoding, onTheFly: true })
      return this.#settle(encoding, form, form)
    }
    const making = this.#store.encodeSoon(encoding, body)?.then(
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
    this.#store.encodeLater(encoding, plain.body as Buffer)?.then(
      (encoded) => {
        if (encoded.length >= quick.length) return
        this.#store.grew(this, -quick.length)
        this.#keepEncoded(encoding, plain, encoded)
      },
      // The quick encoding stays.
      () => {},
    )
  }

  /** Its tag is weak: the bytes of the encoding differ with the effort and the version of zlib. */
  #keepEncoded(encoding: ContentEncoding, { path, facts, etag }: Representation, body: Buffer): Representation {
    this.#store.grew(this, body.length)
    const form = this.#form({ path, facts, encoding, body, etag: `W/"${opaqueOf(etag)}-${encoding}"` })
    return this.#settle(encoding, form, form)
  }

  /** A form that is read from disk for each answer. */
  #unread(parts: Pick<RepresentationParts, 'path' | 'facts' | 'encoding' | 'onTheFly'>): Representation {
    const { path, facts, encoding, onTheFly } = parts
    const suffix = encoding === undefined ? '' : `-${encoding}`
    const formerTag = `W/"${weakTagOf(facts)}${suffix}"`
    const digest = this.#store.tags.known(facts)
    if (digest !== undefined) {
      const etag = `${onTheFly ? 'W/' : ''}"${digest}${suffix}"`
      return this.#form({ ...parts, etag, formerTag })
    }
    if (!this.#store.tags.learn(path, facts, this.#forgetUnread)) this.settled = false
    return this.#form({ ...parts, etag: formerTag })
  }

  /** Drops the forms that are read from disk, since their tag has changed. */
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
    return this.request.encodings.length > 0 && size >= minEncodedSize && isCompressible(this.#type)
  }
}

function opaqueOf(etag: string): string {
  return etag.slice(etag.indexOf('"') + 1, -1)
}

/** HTTP dates have whole seconds. */
export function secondOf({ mtimeMs }: FileFacts): number {
  return Math.floor(mtimeMs / 1_000) * 1_000
}
