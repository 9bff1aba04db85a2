import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A port on 127.0.0.1, and on the other addresses given, that refuses connections as long as this test file runs. A port
 * that was merely free a moment ago may be taken by any other program before it is dialled; this one is the local port
 * of connections to a server of ours, which do not listen on it, and which no other program can bind.
 */
export async function refusingPort(...others: readonly string[]): Promise<number> {
  const server = createServer((socket) => keep(socket))
  await once(server.listen(0, '127.0.0.1').unref(), 'listening')
  const { port: target } = server.address() as AddressInfo
  for (;;) {
    const first = await bound(target, '127.0.0.1', 0)
    const port = first?.localPort
    if (port === undefined) continue
    const rest = await Promise.all(others.map((address) => bound(target, address, port)))
    if (rest.every((socket) => socket !== undefined)) return port
    for (const socket of [first, ...rest]) socket?.destroy()
  }
}

/** A connection from this address; undefined if its port is taken. */
async function bound(port: number, localAddress: string, localPort: number): Promise<Socket | undefined> {
  const socket = keep(connect({ host: '127.0.0.1', port, localAddress, localPort }))
  return once(socket, 'connect').then(
    () => socket,
    () => undefined,
  )
}

function keep(socket: Socket): Socket {
  return socket.on('error', () => {}).unref()
}
