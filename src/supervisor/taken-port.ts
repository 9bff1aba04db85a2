/**
 * Who listens where a program is about to. Otherwise its readiness probe is answered by the other one: it would be ready, end
 * because its port is taken, and be started again without pause or end, while requests go to a stranger.
 */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { freePort } from './spare-ports.ts'
import type { SpawnFailure } from './spawn-failure.ts'

/**
 * Why the program must not be started yet, or undefined if nobody listens on this port of 127.0.0.1. Who does is told on Linux;
 * elsewhere the program has to find out by itself.
 */
export async function takenPort(port: number): Promise<SpawnFailure | undefined> {
  // The kernel first: its tables take milliseconds to read, and nearly every start finds its port free.
  if (await isFree(port)) return undefined
  const inodes = (await Promise.all(tables.map((table) => listenersOf(table, port)))).flat()
  if (inodes.length === 0) return undefined
  const owner = (await ownerOf(new Set(inodes.map((inode) => `socket:[${inode}]`)))) ?? 'another program'
  return { reason: `found its port ${port} taken by ${owner}`, exitCode: 126, transient: true }
}

/** Whether it can be bound. Also because no table tells whether a socket of [::] takes IPv4, too (ipv6(7), IPV6_V6ONLY). */
async function isFree(port: number): Promise<boolean> {
  try {
    return (await freePort(port)) === port
  } catch {
    return false
  }
}

/** proc(5). Addresses are in the byte order of the machine; a connection to 127.0.0.1 reaches those that listen on these. */
const tables = [
  { path: '/proc/net/tcp', reached: new Set(['00000000', '0100007F', '7F000001']) },
  {
    path: '/proc/net/tcp6',
    reached: new Set([
      '00000000000000000000000000000000',
      '0000000000000000FFFF00000100007F',
      '00000000000000000000FFFF7F000001',
    ]),
  },
]

/** The inodes of their sockets. */
async function listenersOf({ path, reached }: (typeof tables)[number], port: number): Promise<string[]> {
  const text = await readFile(path, 'latin1').catch(() => '')
  return text.split('\n').flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/)
    const [address = '', number = ''] = local.split(':')
    const listens = state === '0A' && Number.parseInt(number, 16) === port && reached.has(address)
    return listens && inode !== undefined ? [inode] : []
  })
}

/** `redis-server (pid 4711)`: the first that has one of these sockets, if we may see it. */
async function ownerOf(sockets: ReadonlySet<string>): Promise<string | undefined> {
  // Out of descriptors, we cannot say who: no reason to die of.
  for (const pid of (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry))) {
    const folder = `/proc/${pid}/fd`
    const links = (await readdir(folder).catch(() => [])).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''))
    if ((await Promise.all(links)).some((link) => sockets.has(link))) {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
      return `${name.trim() || 'a program'} (pid ${pid})`
    }
  }
  return undefined
}
