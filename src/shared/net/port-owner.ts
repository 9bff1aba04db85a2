/** Who listens on a port of this machine, as far as /proc tells (proc(5)): Linux only, and of the same network namespace. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import { endianness } from 'node:os'
import { hostsOverlap } from './address-overlap.ts'

/** A listening socket as links below /proc/PID/fd name it: `socket:[12345]`. */
export type SocketName = string

const tables = ['/proc/net/tcp', '/proc/net/tcp6']

/**
 * The sockets that listen on this port where a listener of `host` would meet them; absent: on any address. Empty where there is no
 * /proc. Whether a socket of [::] takes IPv4, too, no table tells (ipv6(7), IPV6_V6ONLY): it counts as if it did.
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

/** `redis-server (pid 4711)`: the first program that has one of these sockets, if we may see it. */
export async function ownerOf(sockets: readonly SocketName[]): Promise<string | undefined> {
  if (sockets.length === 0) return undefined
  // Out of descriptors, we cannot say who: no reason to die of.
  for (const pid of (await readdir('/proc').catch(() => [])).filter((entry) => /^\d+$/.test(entry))) {
    const open = await openSockets(pid)
    if (!sockets.some((socket) => open.has(socket))) continue
    const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
    return `${name.startsWith('gatehouse') ? 'another gatehouse' : name || 'a program'} (pid ${pid})`
  }
  return undefined
}

/** What this process has open; of another user's, and of one that is gone, nothing. */
export async function openSockets(pid: string | 'self'): Promise<ReadonlySet<SocketName>> {
  const folder = `/proc/${pid}/fd`
  const links = (await readdir(folder).catch(() => [])).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''))
  return new Set(await Promise.all(links))
}

/** From the kernel's words of 32 bits, which are in the byte order of the machine, to an address as it is written. */
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
