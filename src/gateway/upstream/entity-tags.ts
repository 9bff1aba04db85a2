/**
 * Entity tags that are strong at the target, and weak only in the gateway's answers (answer-encoder.ts). They go back
 * to the target as they were: many programs compare tags as texts, and would otherwise send everything again, or refuse
 * a change to the latest state (RFC 9110 §13.1.1: weak tags never satisfy If-Match).
 */

/** The oldest are dropped first; keys of path and tag that are longer are not remembered. */
const maxTags = 4_096
const maxKeyLength = 512

export class EntityTags {
  /** By path and tag: two resources may have the same tag. */
  readonly #weakened = new Set<string>()
  #strong = false
  #weak = false

  /** The target has sent this tag for this path. */
  note(path: string, etag: string): void {
    if (etag.startsWith('"')) {
      this.#strong = true
    } else {
      this.#weak = true
      this.#weakened.delete(keyOf(path, etag.replace(/^W\//, '')))
    }
  }

  /** This tag is sent on as a weak one. */
  weakened(path: string, etag: string | undefined): void {
    if (!etag?.startsWith('"')) return
    const key = keyOf(path, etag)
    if (key.length > maxKeyLength || this.#weakened.has(key)) return
    this.#weakened.add(key)
    if (this.#weakened.size > maxTags) this.#weakened.delete(this.#weakened.values().next().value as string)
  }

  /**
   * A client's If-None-Match or If-Match for this path, rewritten for the target. A tag that is unknown here, because
   * another thread or an earlier process sent it, is restored too if the target has only ever sent strong ones.
   */
  restore(path: string, list: string): string {
    return list.replace(/W\/("[^"]*")/g, (weak, tag: string) =>
      (this.#strong && !this.#weak) || this.#weakened.has(keyOf(path, tag)) ? tag : weak,
    )
  }
}

function keyOf(path: string, tag: string): string {
  return `${path} ${tag}`
}

/** Whether a field with this name (in lower case) is a list of tags. */
export function listsTags(name: string): boolean {
  return name === 'if-none-match' || name === 'if-match'
}
