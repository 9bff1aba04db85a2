/** Many sockets at once. */
import { connect, type Socket } from 'node:net'

/** Fewer than the backlog of any server, and of any upstream. */
const group = 100

/** Opens connections to a port of 127.0.0.1; rejects if one fails. */
export async function openSockets(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  try {
    await inGroups(Array.from({ length: count }), async () => {
      sockets.push(await open(port))
    })
    return sockets
  } catch (error) {
    closeSockets(sockets)
    throw error
  }
}

/** Does something with all items, with a hundred at a time; rejects if it fails for one, once its group is done. */
export async function inGroups<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += group) {
    const done = await Promise.allSettled(items.slice(first, first + group).map(work))
    for (const one of done) if (one.status === 'rejected') throw one.reason
  }
}

export function closeSockets(sockets: readonly Socket[]): void {
  // Without a reset, thousands of ports would stay in TIME_WAIT.
  for (const socket of sockets) if (!socket.destroyed) socket.resetAndDestroy()
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.once('connect', () => {
      socket.off('error', reject)
      // Whoever uses it waits for its close.
      socket.on('error', () => {})
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
