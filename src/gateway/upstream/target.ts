import { buildConnector, Client, type Dispatcher, Pool } from 'undici'
import type { Milliseconds } from '../../shared/duration.ts'
import { socketPathOf } from '../../shared/socket-origin.ts'
import type { Exchange } from '../exchange.ts'
import { type Dial, serverNameOf, urlOriginOf } from './dial.ts'
import { EntityTags } from './entity-tags.ts'
import { Standing } from './standing.ts'

// Below the 5 s after which a Node upstream closes an idle connection: a request must not meet a closing one. An upstream
// that tells its own time in Keep-Alive is believed, less 2 s for the way.
const idleTimeout: Milliseconds = 4_000

/** One address that answers requests, with the connections to it. Kept over generations. */
export class Target {
  readonly dial: Dial
  readonly standing = new Standing()
  readonly tags = new EntityTags()
  /** Requests and tunnels under way, of this thread. */
  active = 0
  /** True while a connection just made is given its first request: such a request met no idle connection. */
  greeting = false
  readonly #pool: Pool
  #left: (() => void) | undefined

  constructor(dial: Dial) {
    this.dial = dial
    // bodyTimeout 0: stalls are found for all answers by one sweep (stall.ts), which spares event streams.
    this.#pool = new Pool(urlOriginOf(dial), {
      connect: this.#connector(),
      keepAliveTimeout: idleTimeout,
      bodyTimeout: 0,
    })
  }

  /** A request or tunnel begins. */
  join(exchange: Exchange): void {
    this.active += 1
    exchange.dialled = this
  }

  /** It is over, as far as this target is concerned. */
  leave(exchange: Exchange): void {
    this.active -= 1
    if (exchange.dialled === this) exchange.dialled = undefined
    this.#left?.()
  }

  /** Calls back whenever one of them is over. */
  onLeft(callback: () => void): void {
    this.#left = callback
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(options, handler)
  }

  /** On a connection that no request has used before, and none will use again. */
  dispatchAlone(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void {
    const client = new Client(urlOriginOf(this.dial), { connect: this.#connector(), bodyTimeout: 0 })
    client.dispatch(options, handler)
    void client.close()
  }

  /** Ends its connections once their requests are over. */
  close(): Promise<void> {
    return this.#pool.close()
  }

  destroy(): Promise<void> {
    return this.#pool.destroy()
  }

  #connector(): buildConnector.connector {
    const { connect, tls, origin } = this.dial
    const socketPath = socketPathOf(origin)
    const servername = socketPath === undefined ? serverNameOf(this.dial) : ''
    const dial = buildConnector({
      timeout: connect,
      allowH2: false,
      ...(socketPath !== undefined && { socketPath }),
      ...(tls?.ca !== undefined && { ca: tls.ca }),
      ...(tls && { rejectUnauthorized: tls.verify }),
    })
    return (options, done) =>
      dial({ ...options, servername }, (...result) => {
        this.greeting = true
        done(...result)
        this.greeting = false
      })
  }
}
