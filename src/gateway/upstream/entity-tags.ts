/**
 * Which entity tags of a target are strong, and weak only in our answers (answer-encoder.ts). Those go back to it as they were: many
 * programs compare tags as texts, and would otherwise send everything again, or refuse a change that was made to the newest
 * state (RFC 9110 §13.1.1: weak tags never meet If-Match).
 */

/** So many are remembered, the oldest forgotten first; those that are longer with their path are not. */
const most = 4_096
const longest = 512

export class EntityTags {
  /** Path and tag of what we made weak: a tag is that of a resource, and two may have the same. */
  readonly #weakened = new Set<string>()
  #strong = false
  #weak = false

  /** The target has sent this tag with what it has at this path. */
  note(path: string, etag: string): void {
    if (etag.startsWith('"')) {
      this.#strong = true
    } else {
      this.#weak = true
      this.#weakened.delete(keyOf(path, etag.replace(/^W\//, '')))
    }
  }

  /** We send this tag on as a weak one, whatever it was. */
  weakened(path: string, etag: string | undefined): void {
    if (!etag?.startsWith('"')) return
    const key = keyOf(path, etag)
    if (key.length > longest || this.#weakened.has(key)) return
    this.#weakened.add(key)
    if (this.#weakened.size > most) this.#weakened.delete(this.#weakened.values().next().value as string)
  }

  /**
   * A client's If-None-Match or If-Match for this path, as the target should read it. A tag that is not known here, because another
   * thread or the process before has sent it, is ours where the target was seen to make no weak ones.
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

/** Whether a field of this name (in lower case) holds such a list. */
export function listsTags(name: string): boolean {
  return name === 'if-none-match' || name === 'if-match'
}
