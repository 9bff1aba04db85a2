import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { UnorderedList } from '../../shared/unordered-list.ts'
import type { Listener } from '../listen/listener.ts'
import { cutAnswer } from '../response/respond.ts'
import type { Exchange } from './exchange.ts'

/** How long both sides of a tunnel may take to close before their sockets are destroyed. */
const closeTimeout: Milliseconds = 1_000

/** The exchanges that are not over yet, and how to end them. */
export class InFlight {
  readonly #open = new UnorderedList<Exchange>()
  #unsettled = 0
  #onQuiet: () => void = () => {}
  #onGone: () => void = () => {}

  open(): readonly Exchange[] {
    return this.#open.all()
  }

  /** Keeps the exchange until it is removed. */
  add(exchange: Exchange): void {
    this.#open.add(exchange)
    this.#unsettled += 1
    exchange.onSettled(() => {
      this.#unsettled -= 1
      if (this.#unsettled === 0) this.#onQuiet()
    })
  }

  remove(exchange: Exchange): void {
    this.#open.remove(exchange)
    if (this.#open.size === 0) this.#onGone()
  }

  /** Closes the listener's connections after the answers that are in flight on them. */
  closeAfterAnswer(listener: Listener): void {
    for (const exchange of this.#open.all()) if (exchange.listener === listener.plan) closeAfterAnswer(exchange)
  }

  /** Waits, for `budget` at most, until all answers are complete; resolves with the number of those that are not. */
  async answered(budget: Milliseconds): Promise<number> {
    const quiet = new Promise<void>((resolve) => {
      this.#onQuiet = resolve
      if (this.#unsettled === 0) resolve()
    })
    const timeout = new AbortController()
    await Promise.race([quiet, pause(budget, undefined, { signal: timeout.signal }).catch(() => {})])
    timeout.abort()
    return this.#unsettled
  }

  /** Ends event streams and tunnels, which have no end of their own; their clients reconnect. */
  async endOpenEnded(): Promise<void> {
    for (const { kind, response } of this.#open.all()) if (kind === 'events') response.end()
    await closeTunnels(this.#open.all().filter(({ kind }) => kind === 'tunnel'))
  }

  cutRest(cause: string): void {
    for (const exchange of this.#open.all()) if (exchange.kind === 'answer') cutAnswer(exchange, cause)
  }

  /** For a thread that ends abruptly: cuts each answer so that no client takes it for a complete one. Never throws. */
  cutAtOnce(cause: string): void {
    for (const exchange of this.#open.all()) {
      try {
        if (exchange.kind !== 'tunnel') cutAnswer(exchange, cause)
      } catch {} // the others must still be cut
    }
  }

  /** Waits until the last exchange is over and logged; the connections must have been closed. */
  async gone(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      this.#onGone = resolve
      if (this.#open.size === 0) resolve()
    })
    await Promise.race([gone, pause(closeTimeout, undefined, { ref: false })])
  }
}

/** Keeps an h1 connection from carrying another request; h2 sessions get a GOAWAY. */
export function closeAfterAnswer({ http1 }: Exchange): void {
  if (http1 && !http1.headersSent) http1.shouldKeepAlive = false
}

/** Closes tunnels in good order; resolves when their connections are closed. */
export async function closeTunnels(tunnels: readonly Exchange[]): Promise<void> {
  const sockets = tunnels.flatMap(({ upgrade }) => (upgrade ? [upgrade.socket] : []))
  if (sockets.length === 0) return
  const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))))
  for (const tunnel of tunnels) tunnel.closeTunnel?.()
  await Promise.race([closed, pause(closeTimeout, undefined, { ref: false })])
  for (const socket of sockets) socket.destroy()
}
