import { type ClientHttp2Session, connect } from 'node:http2'

export interface Uploads {
  /** Requests that were answered in whole so far. */
  readonly answered: number
  /** Resolves when so many more were answered. */
  more(count: number): Promise<void>
  /** Has one of the next requests go to this path, so that a thread meets it in the midst of the others. */
  ask(path: string): void
  stop(): void
}

const streams = 18
const body = Buffer.alloc(1_024, 'x')

/**
 * Uploads of 1 KB over several h2 sessions, 18 streams on each, from now on: answered ones are followed by others, and
 * more keep coming while nothing is answered, so that a thread that is held up finds heads and bodies in one piece. A
 * session that ends is followed by another.
 */
export function uploadOverH2(port: number, count: number): Uploads {
  let answered = 0
  let over = false
  const waiting = new Set<() => void>()
  const sessions: ClientHttp2Session[] = []
  const asked: string[] = []

  function upload(session: ClientHttp2Session): void {
    if (over || session.closed || session.destroyed) return
    const stream = session.request({ ':method': 'POST', ':path': asked.shift() ?? '/echo' })
    stream.on('error', () => {})
    stream.once('end', () => {
      answered += 1
      for (const look of waiting) look()
    })
    stream.once('close', () => setTimeout(upload, 1, session))
    stream.resume()
    stream.end(body)
  }

  function open(place: number): void {
    const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false, servername: 'localhost' })
    sessions[place] = session
    session.on('error', () => {})
    const insist = setInterval(upload, 20, session)
    session.once('close', () => {
      clearInterval(insist)
      if (!over) setTimeout(open, 50, place)
    })
    for (let stream = 0; stream < streams; stream += 1) upload(session)
  }

  for (let place = 0; place < count; place += 1) open(place)
  return {
    get answered() {
      return answered
    },
    more(wanted) {
      const goal = answered + wanted
      return new Promise((resolve) => {
        const look = () => {
          if (answered < goal) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
      })
    },
    ask(path) {
      asked.push(path)
    },
    stop() {
      over = true
      for (const session of sessions) session.destroy()
    },
  }
}
