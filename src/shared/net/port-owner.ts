/** Which process listens on a port of this machine, from /proc (proc(5)): Linux only, in the same network namespace. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { endianness } from 'node:os'
import { hostsOverlap } from './address-overlap.ts'

/** A listening socket as links below /proc/PID/fd name it: `socket:[12345]`. */
export type SocketName = string

const tables = ['/proc/net/tcp', '/proc/net/tcp6']

/**
 * The sockets that listen on this port at addresses that overlap with `host`; absent: at any address. Empty without
 * /proc. Whether a socket of [::] accepts IPv4 as well is not known (ipv6(7), IPV6_V6ONLY): it counts as if it did.
 */
export async function listeningSockets(port: number, host?: string): Promise<readonly SocketName[]> {
  const found = await Promise.all(
    tables.map(async (table) => {
      const text = await readFile(table, 'latin1').catch(() => '')
      return text.split('\n').flatMap((row) => {
        const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/)
        const [address = '', number = ''] = local.split(':')
        const listens = state === '0A' && Number.parseInt(number, 16) === port && inode !== undefined
        return listens && hostsOverlap(host, addressOf(address)) ? [`socket:[${inode}]`] : []
      })
    }),
  )
  return found.flat()
}

/** The first program that has one of these sockets, if we may see it: `redis-server (pid 4711)`. */
export async function ownerOf(sockets: readonly SocketName[]): Promise<string | undefined> {
  if (sockets.length === 0) return undefined
  // Without descriptors left it cannot be determined, which must not be an error.
  for (const pid of (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry))) {
    const open = await openSockets(pid)
    if (!sockets.some((socket) => open.has(socket))) continue
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
    return `${name.startsWith('gatehouse') ? 'another gatehouse' : name || 'a program'} (pid ${pid})`
  }
  return undefined
}

/** The open sockets of a process; empty if it belongs to another user or is gone. */
export async function openSockets(pid: string | 'self'): Promise<ReadonlySet<SocketName>> {
  const folder = `/proc/${pid}/fd`
  const links = (await readdir(folder).catch(() => [])).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''))
  return new Set(await Promise.all(links))
}

/** From the kernel's 32-bit words, which are in the byte order of the machine. */
function addressOf(hex: string): string {
  const bytes = Buffer.from(hex, 'hex')
  if (endianness() === 'LE') bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  // RFC 4291 §2.5.5.2: of IPv4 through a socket for IPv6.
  if (bytes.subarray(0, 12).equals(mapped)) return `::ffff:${bytes.subarray(12).join('.')}`
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16))
  return groups.every((group) => group === '0') ? '::' : groups.join(':')
}

const mapped = Buffer.from('00000000000000000000ffff', 'hex')
