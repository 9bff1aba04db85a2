import type { NewEvent, SupervisorEvent, SupervisorListener } from './events.ts'

/** How many events are kept for clients that reconnect. */
const kept = 1_000

/** Gives every event its id and time, calls all listeners, and keeps the last thousand. */
export class EventFeed {
  readonly #listeners = new Set<SupervisorListener>()
  readonly #recent: SupervisorEvent[] = []
  // Ids begin with the time of the start, so that they grow from one run of Gatehouse to the next: events are rarer
  // than milliseconds.
  readonly #first = Date.now()
  #next = this.#first

  emit(newEvent: NewEvent): void {
    const event: SupervisorEvent = { id: this.#next, at: Date.now(), ...newEvent }
    this.#next += 1
    this.#recent.push(event)
    if (this.#recent.length > kept) this.#recent.shift()
    for (const listener of [...this.#listeners]) listener(event)
  }

  /** Returns the function that ends the subscription. A listener must not throw. */
  subscribe(listener: SupervisorListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Of the last event; before the first one, an id that no event has. */
  get lastId(): number {
    return this.#next - 1
  }

  /** All events after the one with this id; undefined if some of them are no longer kept. */
  since(id: number): readonly SupervisorEvent[] | undefined {
    const oldest = this.#next - this.#recent.length
    if (id < oldest - 1 || id >= this.#next) return undefined
    return this.#recent.filter((event) => event.id > id)
  }
}
