/** What happens to services, in the order and at the moments in which the measuring program hears of it. */
import { createServer, type Server } from 'node:net'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface Observation {
  /** `running`, `serving`: said by the service itself. `noticed`, `ready`, `gave-up`: said by its supervisor. */
  readonly what: 'running' | 'serving' | 'noticed' | 'ready' | 'gave-up'
  readonly name: string
  /** Of the service; 0 where its supervisor speaks. */
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

  /** The first of its kind after that moment; rejects after a minute. */
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

/** Hears the services, and supervisord's listener, on a Unix socket. */
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

/** Hears Gatehouse by its log. */
export function hearLog(stdout: Readable, observed: Observations): void {
  createInterface({ input: stdout }).on('line', (line) => {
    const { process: name, state, ready } = JSON.parse(line) as { process?: string; state?: string; ready?: boolean }
    if (name === undefined || state === undefined) return
    if (state === 'backoff') observed.add('noticed', name)
    if (state === 'running' && ready) observed.add('ready', name)
    if (state === 'fatal') observed.add('gave-up', name)
  })
}
