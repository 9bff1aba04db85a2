/**
 * HalfSipHash-2-4 (Aumasson and Bernstein) with 64 bits of output: without the key, no one can find texts that collide
 * or that crowd one bucket.
 */

/** Two 32-bit halves. */
export interface Hash64 {
  high: number
  low: number
}

/**
 * Writes the hash of `text` (its UTF-16 units) under a key of two 32-bit numbers into `into`, so that nothing is
 * allocated.
 */
export function keyedHash(text: string, key: Readonly<Hash64>, into: Hash64): void {
  state.v0 = key.low
  state.v1 = key.high ^ 0xee
  state.v2 = 0x6c796765 ^ key.low
  state.v3 = 0x74656462 ^ key.high
  const { length } = text
  for (let i = 0; i + 1 < length; i += 2) absorb(text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16))
  absorb((length << 24) | (length & 1 ? text.charCodeAt(length - 1) : 0))
  state.v2 ^= 0xee
  rounds(4)
  into.low = state.v1 ^ state.v3
  state.v1 ^= 0xdd
  rounds(4)
  into.high = state.v1 ^ state.v3
}

const state = { v0: 0, v1: 0, v2: 0, v3: 0 }

function absorb(word: number): void {
  state.v3 ^= word
  rounds(2)
  state.v0 ^= word
}

function rounds(count: number): void {
  let { v0, v1, v2, v3 } = state
  for (let round = 0; round < count; round += 1) {
    v0 = (v0 + v1) | 0
    v1 = rotate(v1, 5) ^ v0
    v0 = rotate(v0, 16)
    v2 = (v2 + v3) | 0
    v3 = rotate(v3, 8) ^ v2
    v0 = (v0 + v3) | 0
    v3 = rotate(v3, 7) ^ v0
    v2 = (v2 + v1) | 0
    v1 = rotate(v1, 13) ^ v2
    v2 = rotate(v2, 16)
  }
  state.v0 = v0
  state.v1 = v1
  state.v2 = v2
  state.v3 = v3
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}
