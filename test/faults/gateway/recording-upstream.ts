/** A raw TCP upstream that keeps every byte it is sent, reads it strictly, and answers each whole request with `ok`. */
import { rawUpstream } from '../../gateway/upstreams.ts'
import type { Meaning } from './smuggling-corpus.ts'
import { readStrictly, type StrictRequest } from './strict-request.ts'

export interface Recording {
  readonly port: number
  /** Whole requests seen since the last `forget`, over all connections. */
  readonly requests: readonly StrictRequest[]
  /** Bytes that no strict reader accepts: each is a smuggling hole. */
  readonly nonsense: readonly string[]
  forget(): void
}

export async function recordingUpstream(): Promise<Recording> {
  const requests: StrictRequest[] = []
  const nonsense: string[] = []
  const { port } = await rawUpstream((socket) => {
    let pending = ''
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1')
      try {
        for (let read = readStrictly(pending); read !== 'need more'; read = readStrictly(pending)) {
          pending = read.rest
          requests.push(read.request)
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
          if (pending === '') break
        }
      } catch (error) {
        nonsense.push(`${(error as Error).message} in ${JSON.stringify(pending)}`)
        socket.destroy()
      }
    })
  })
  return {
    port,
    requests,
    nonsense,
    forget() {
      requests.length = 0
      nonsense.length = 0
    },
  }
}

export function meaningOf({ method, target, headers, body }: StrictRequest): Meaning {
  return { method, target, host: headers.find(([name]) => name === 'host')?.[1] ?? '', body }
}
