/**
 * Writes header blocks (RFC 7541) as texts of bytes. Only the static table is used: a block is the same on every
 * connection, and no field of one client can be found out by another through the sizes of blocks (RFC 7541 §7.1).
 */
import type { Bytes } from '../../../shared/bytes.ts'
import { encodeHuffman } from './huffman.ts'
import { staticTable } from './static-table.ts'

/** At the beginning of the first block of a connection, and after the other side has changed its limit of the table. */
export const noDynamicTable = '\x20'

/** How the name of a field that is not to be indexed begins, for names in the static table. */
const knownNames = new Map<string, string>()
/** Pseudo-header fields that are in it with their value. */
const knownFields = new Map<string, string>()

for (let at = 0; at < staticTable.length; at += 2) {
  const index = at / 2 + 1
  const name = staticTable[at] as string
  const value = staticTable[at + 1] as string
  if (!knownNames.has(name)) knownNames.set(name, integer(index, 4, 0))
  if (name.startsWith(':') && value !== '') knownFields.set(`${name} ${value}`, integer(index, 7, 0x80))
}

/** Lengths of most names and values. */
const shortLengths = Array.from({ length: 127 }, (_, length) => integer(length, 7, 0))

/** The name must be in lower case; name and value must be latin1. */
export function encodeField(name: string, value: string): string {
  const known = knownNames.get(name)
  return known === undefined ? `\0${encodeText(name)}${encodeText(value)}` : known + encodeText(value)
}

/** A pseudo-header field (RFC 9113 §8.3). */
export function encodePseudo(name: string, value: string): string {
  return knownFields.get(`${name} ${value}`) ?? encodeField(name, value)
}

/** Huffman code costs more than it saves, but nghttp2 takes no value of more than 64 KB, as it is encoded. */
const maxPlain: Bytes = 8_192

function encodeText(text: string): string {
  if (text.length > maxPlain) {
    const encoded = encodeHuffman(text)
    if (encoded.length < text.length) return integer(encoded.length, 7, 0x80) + encoded
  }
  return (shortLengths[text.length] ?? integer(text.length, 7, 0)) + text
}

/** RFC 7541 §5.1; `first`: the other bits of the first byte. */
function integer(value: number, prefix: number, first: number): string {
  const most = (1 << prefix) - 1
  if (value < most) return String.fromCharCode(first | value)
  let bytes = String.fromCharCode(first | most)
  let rest = value - most
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes += String.fromCharCode((rest % 128) + 128)
  return bytes + String.fromCharCode(rest)
}
