import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Ports on 127.0.0.1 that were free a moment ago, all different: for programs that cannot choose one themselves. Below those that
 * the kernel gives to outgoing connections (32768 and up on Linux): one of these in the meantime would keep a program from listening.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listen))
  const ports = servers.map(portOf)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

const range = { from: 12_000, to: 32_000 }

async function listen(): Promise<Server> {
  for (;;) {
    const port = range.from + Math.floor(Math.random() * (range.to - range.from))
    // On all addresses, as the program may want it; somebody else's port is passed over.
    const server = createServer().listen(port)
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (free) return server
  }
}

function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has an address with a port')
  return address.port
}
