/** The Huffman code of HPACK (RFC 7541 §5.2 and appendix B). */
import { ConnectionError } from '../error-codes.ts'

/**
 * The length of the code of each byte, and of the end of the text. The code is canonical: codes of one length are
 * consecutive, in the order of their bytes, and follow those of the shorter lengths.
 */
// biome-ignore format: a table
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
]

const endOfText = 256
const longest = 30

/** By their codes. */
const symbols = lengths
  .map((_, symbol) => symbol)
  .sort((a, b) => (lengths[a] as number) - (lengths[b] as number) || a - b)
/** By length: the first code, the place of its symbol, and how many there are. */
const firstCode: number[] = []
const firstPlace: number[] = []
const count: number[] = []
/** By the next eight bits: the symbol whose code they begin with, times 16, plus its length; 0 if it is longer. */
const short = new Uint16Array(256)
const codes: number[] = []

for (let length = 0, code = 0, place = 0; length <= longest; length++, code *= 2) {
  firstCode[length] = code
  firstPlace[length] = place
  count[length] = lengths.filter((one) => one === length).length
  for (let left = count[length] as number; left > 0; left--, code++, place++) {
    codes[symbols[place] as number] = code
    const shift = 8 - length
    if (shift >= 0) short.fill(((symbols[place] as number) << 4) | length, code << shift, (code + 1) << shift)
  }
}

let decoded = Buffer.allocUnsafeSlow(4_096)

/** The text, as latin1, of these bytes of a header block. Throws a ConnectionError. */
export function decodeHuffman(bytes: Buffer, from: number, to: number): string {
  // The shortest code has 5 bits.
  const most = Math.ceil(((to - from) * 8) / 5)
  if (decoded.length < most) decoded = Buffer.allocUnsafeSlow(most)
  const end = to * 8
  let length = 0
  for (let at = from * 8; at < end; ) {
    const next = short[nextEight(bytes, at, to)] as number
    if (next !== 0 && at + (next & 15) <= end) {
      decoded[length++] = next >> 4
      at += next & 15
    } else if (end - at < 8) {
      checkPadding(bytes, end - at, to)
      break
    } else {
      const place = longCode(bytes, at, end)
      const symbol = symbols[place] as number
      decoded[length++] = symbol
      at += lengths[symbol] as number
    }
  }
  return decoded.toString('latin1', 0, length)
}

/** Filled up with ones beyond the end, as the padding is. */
function nextEight(bytes: Buffer, at: number, to: number): number {
  const place = at >> 3
  const following = place + 1 < to ? (bytes[place + 1] as number) : 0xff
  return ((((bytes[place] as number) << 8) | following) >> (8 - (at & 7))) & 0xff
}

/** The place of the symbol whose code begins here, and is longer than eight bits. */
function longCode(bytes: Buffer, at: number, end: number): number {
  let code = 0
  for (let length = 1; length <= longest && at < end; length++, at++) {
    code = code * 2 + (((bytes[at >> 3] as number) >> (7 - (at & 7))) & 1)
    const place = code - (firstCode[length] as number)
    if (place >= 0 && place < (count[length] as number)) {
      const found = (firstPlace[length] as number) + place
      if (symbols[found] === endOfText) break
      return found
    }
  }
  throw new ConnectionError('COMPRESSION_ERROR', 'an invalid Huffman code')
}

/** Fewer than eight ones. */
function checkPadding(bytes: Buffer, bits: number, to: number): void {
  const ones = (1 << bits) - 1
  if (((bytes[to - 1] as number) & ones) !== ones)
    throw new ConnectionError('COMPRESSION_ERROR', 'invalid padding of a Huffman code')
}

/** The bytes of a text of latin1, as latin1. */
export function encodeHuffman(text: string): string {
  const bytes: number[] = []
  let bits = 0
  let length = 0
  const add = (code: number, added: number) => {
    for (let left = added; left > 0; left--) {
      bits = (bits << 1) | ((code >>> (left - 1)) & 1)
      length += 1
      if (length < 8) continue
      bytes.push(bits)
      bits = 0
      length = 0
    }
  }
  for (let i = 0; i < text.length; i++) {
    const symbol = text.charCodeAt(i)
    add(codes[symbol] as number, lengths[symbol] as number)
  }
  if (length > 0) add(0xff, 8 - length)
  return Buffer.from(bytes).toString('latin1')
}
