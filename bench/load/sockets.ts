/** Many sockets at once. */
import { connect, type Socket } from 'node:net'

/** Opened at a time, fewer than the backlog of any server. */
const batch = 100

/** Opens connections to a port of 127.0.0.1; rejects if one fails. */
export async function openSockets(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  try {
    while (sockets.length < count) {
      const size = Math.min(batch, count - sockets.length)
      const opened = await Promise.allSettled(Array.from({ length: size }, () => open(port)))
      for (const one of opened) if (one.status === 'fulfilled') sockets.push(one.value)
      for (const one of opened) if (one.status === 'rejected') throw one.reason
    }
    return sockets
  } catch (error) {
    closeSockets(sockets)
    throw error
  }
}

export function closeSockets(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.resetAndDestroy()
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

/** Writes a request and resolves with the status of the answer's head and what follows it in the same packets. */
export function request(socket: Socket, text: string): Promise<{ readonly status: number; readonly rest: Buffer }> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0)
    const end = () => {
      socket.off('data', onData)
      socket.off('close', onClose)
      socket.off('error', reject)
    }
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      const head = received.indexOf('\r\n\r\n')
      if (head === -1) return
      end()
      resolve({ status: Number(received.toString('latin1', 9, 12)), rest: received.subarray(head + 4) })
    }
    const onClose = () => reject(new Error('the connection closed before an answer'))
    socket.on('data', onData).once('close', onClose).once('error', reject)
    socket.write(text)
  })
}
