/** Reads header blocks (RFC 7541). */
import type { Bytes } from '../../../shared/bytes.ts'
import { ConnectionError } from '../error-codes.ts'
import { decodeHuffman } from './huffman.ts'
import { staticEntries, staticTable } from './static-table.ts'

/** RFC 7541 §4.1 and RFC 9113 §6.5.2 add this to the length of each field. */
export const fieldOverhead: Bytes = 32
/** What each side allows until it announces another size. The size is never changed here. */
const maxTableSize: Bytes = 4_096
/** Places of the array that are removed together. */
const maxEvicted = 512
/** Of numbers: more than any length or index can be. */
const maxBits = 28

export interface HeaderList {
  /** Name and value in turn, as latin1. */
  readonly fields: string[]
  /** They exceed the limit, from which on they are left out. */
  readonly tooLong: boolean
}

/** Of one direction of a connection: its header blocks must be read in order, and all of them. */
export class HpackDecoder {
  /** The dynamic table: name and value in turn, the newest last. Those before `#oldest` are evicted. */
  #table: string[] = []
  #oldest = 0
  #size: Bytes = 0
  #maxSize: Bytes = maxTableSize
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  /** `limit`: of the size of all fields, by RFC 9113 §6.5.2. Throws a ConnectionError. */
  decode(block: Buffer, limit: Bytes): HeaderList {
    this.#block = block
    this.#at = 0
    const fields: string[] = []
    let size = 0
    while (this.#at < block.length) {
      const first = block[this.#at] as number
      if ((first & 0xe0) === 0x20) {
        this.#resize(fields)
        continue
      }
      let name: string
      let value: string
      if ((first & 0x80) !== 0) {
        const index = this.#integer(7)
        name = this.#entry(index, 0)
        value = this.#entry(index, 1)
      } else {
        const added = (first & 0x40) !== 0
        const index = this.#integer(added ? 6 : 4)
        name = index === 0 ? this.#text() : this.#entry(index, 0)
        value = this.#text()
        if (added) this.#add(name, value)
      }
      size += name.length + value.length + fieldOverhead
      if (size <= limit) fields.push(name, value)
    }
    return { fields, tooLong: size > limit }
  }

  /** `part`: 0 for the name, 1 for the value. */
  #entry(index: number, part: 0 | 1): string {
    if (index > 0 && index <= staticEntries) return staticTable[2 * index - 2 + part] as string
    const at = this.#table.length - 2 * (index - staticEntries)
    const found = at < this.#oldest ? undefined : this.#table[at + part]
    if (index === 0 || found === undefined) throw new ConnectionError('COMPRESSION_ERROR', `no field ${index}`)
    return found
  }

  #add(name: string, value: string): void {
    const size = name.length + value.length + fieldOverhead
    this.#evict(this.#maxSize - size)
    if (size > this.#maxSize) return
    this.#table.push(name, value)
    this.#size += size
  }

  /** Until no more than this is left. */
  #evict(most: Bytes): void {
    while (this.#size > most && this.#oldest < this.#table.length) {
      const name = this.#table[this.#oldest] as string
      const value = this.#table[this.#oldest + 1] as string
      this.#size -= name.length + value.length + fieldOverhead
      // What is evicted stays in the array for a while, and would hold 1 MB.
      this.#table[this.#oldest] = ''
      this.#table[this.#oldest + 1] = ''
      this.#oldest += 2
    }
    if (this.#oldest < maxEvicted) return
    this.#table = this.#table.slice(this.#oldest)
    this.#oldest = 0
  }

  /** RFC 7541 §4.2: only at the beginning of a block. */
  #resize(fields: readonly string[]): void {
    const size = this.#integer(5)
    if (fields.length > 0 || size > maxTableSize)
      throw new ConnectionError('COMPRESSION_ERROR', 'an invalid change of the table')
    this.#maxSize = size
    this.#evict(size)
  }

  /** RFC 7541 §5.1; `prefix`: bits of the first byte that belong to it. */
  #integer(prefix: number): number {
    const most = (1 << prefix) - 1
    let value = this.#byte() & most
    if (value < most) return value
    for (let shift = 0; shift < maxBits; shift += 7) {
      const byte = this.#byte()
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new ConnectionError('COMPRESSION_ERROR', 'a number that is too large')
  }

  #byte(): number {
    const byte = this.#block[this.#at]
    if (byte === undefined) throw new ConnectionError('COMPRESSION_ERROR', 'a header block that breaks off')
    this.#at += 1
    return byte
  }

  /** RFC 7541 §5.2. */
  #text(): string {
    const encoded = ((this.#block[this.#at] ?? 0) & 0x80) !== 0
    const length = this.#integer(7)
    const from = this.#at
    const to = from + length
    if (to > this.#block.length) throw new ConnectionError('COMPRESSION_ERROR', 'a header block that breaks off')
    this.#at = to
    return encoded ? decodeHuffman(this.#block, from, to) : this.#block.toString('latin1', from, to)
  }
}
