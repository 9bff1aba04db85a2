/** What happens to services, in the order and with the times in which it is observed. */
import { get, type IncomingMessage } from 'node:http'
import { createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'

export interface Observation {
  /** `running`, `serving`: reported by the service. `noticed`, `ready`, `gave-up`: reported by its supervisor. */
  readonly what: 'running' | 'serving' | 'noticed' | 'ready' | 'gave-up'
  readonly name: string
  /** Of the service; 0 if reported by its supervisor. */
  readonly pid: number
  /** Milliseconds, monotonic. */
  readonly at: number
}

const patience = 60_000

export class Observations {
  readonly all: Observation[] = []
  readonly #waiting = new Set<() => void>()

  add(what: Observation['what'], name: string, pid = 0): void {
    this.all.push({ what, name, pid, at: performance.now() })
    for (const look of [...this.#waiting]) look()
  }

  /** The first one of its kind after that time; rejects after a minute. */
  first(what: Observation['what'], name: string, after: number): Promise<Observation> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(look)
      }
      const look = () => {
        const found = this.all.find((one) => one.what === what && one.name === name && one.at > after)
        if (!found) return
        end()
        resolve(found)
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error(`${name} was not ${what} within ${patience / 1000} s`))
      }, patience)
      this.#waiting.add(look)
      look()
    })
  }

  pidOf(name: string): number {
    return this.all.findLast((one) => one.name === name && one.what === 'serving')?.pid ?? 0
  }
}

const supervisordSays: Readonly<Record<string, Observation['what']>> = {
  PROCESS_STATE_EXITED: 'noticed',
  PROCESS_STATE_BACKOFF: 'noticed',
  PROCESS_STATE_RUNNING: 'ready',
  PROCESS_STATE_FATAL: 'gave-up',
}

/** Receives the reports of services and of supervisord's listener on a Unix socket. */
export async function listen(path: string, observed: Observations): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {}) // a service that was killed
    createInterface({ input: socket }).on('line', (line) => {
      const [what = '', name = '', pid] = line.split(' ')
      if (what === 'running' || what === 'serving') observed.add(what, name, Number(pid))
      const said = supervisordSays[what]
      if (said) observed.add(said, name)
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return server
}

/** Follows the events of Gatehouse's control socket, as soon as that is open. */
export async function followEvents(socketPath: string, observed: Observations): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve) => {
    const ask = () => get({ socketPath, path: '/v1/events' }, resolve).once('error', () => setTimeout(ask, 5))
    ask()
  })
  response.on('error', () => {}) // it ends with Gatehouse
  createInterface({ input: response }).on('line', (line) => {
    const { type, process: name = '', to, ready } = JSON.parse(line) as Record<string, string | undefined>
    if (type !== 'transition') return
    if (to === 'stopping') observed.add('noticed', name)
    if (to === 'running' && ready) observed.add('ready', name)
    if (to === 'fatal') observed.add('gave-up', name)
  })
}
