import type { Happening, SupervisorEvent, SupervisorListener } from './events.ts'

/** What a client that was away for a moment may still ask for. */
const kept = 1_000

/** Gives every event its id and time, tells all listeners, and remembers the last thousand. */
export class EventFeed {
  readonly #listeners = new Set<SupervisorListener>()
  readonly #recent: SupervisorEvent[] = []
  // The time of the start, so that ids grow from one run of Gatehouse to the next: there is no event each millisecond.
  readonly #first = Date.now()
  #next = this.#first

  emit(happening: Happening): void {
    const event: SupervisorEvent = { id: this.#next, at: Date.now(), ...happening }
    this.#next += 1
    this.#recent.push(event)
    if (this.#recent.length > kept) this.#recent.shift()
    for (const listener of [...this.#listeners]) listener(event)
  }

  /** Returns what ends the subscription. A listener must not throw. */
  subscribe(listener: SupervisorListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Of the last event; before the first one, an id that none has. */
  get lastId(): number {
    return this.#next - 1
  }

  /** All events behind the one with this id; undefined if some of them are not known any more. */
  since(id: number): readonly SupervisorEvent[] | undefined {
    const oldest = this.#next - this.#recent.length
    if (id < oldest - 1 || id >= this.#next) return undefined
    return this.#recent.filter((event) => event.id > id)
  }
}
