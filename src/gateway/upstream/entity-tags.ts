/**
 * What kind of entity tags a target makes. Where it has only strong ones, a weak one in a client's request is one that we made
 * (answer-encoder.ts), and goes back as it was: many programs compare tags as texts, and would otherwise send everything again, or
 * refuse a change that was made to the newest state (RFC 9110 §13.1.1: weak tags never meet If-Match).
 */
export class EntityTags {
  #strong = false
  #weak = false

  /** A target has sent this tag. */
  note(etag: string): void {
    if (etag.startsWith('"')) this.#strong = true
    else this.#weak = true
  }

  /** A client's If-None-Match or If-Match as the target should read it. */
  restore(list: string): string {
    return this.#strong && !this.#weak ? list.replaceAll('W/"', '"') : list
  }
}

/** Whether a field of this name (in lower case) holds such a list. */
export function listsTags(name: string): boolean {
  return name === 'if-none-match' || name === 'if-match'
}
