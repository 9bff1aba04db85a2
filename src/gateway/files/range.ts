import type { Part } from './disk.ts'

/**
 * The part of a body of `size` bytes that a Range header asks for (RFC 9110 §14.1.2). `whole`: several ranges, which
 * may be answered with the complete body, or an invalid header; `none`: the range cannot be satisfied (416).
 */
export function readRange(header: string, size: number): Part | 'whole' | 'none' {
  const [, first = '', last = ''] = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header) ?? []
  // Some clients always send `bytes=0-`: an empty file is no reason for a 416.
  if ((first === '' && last === '') || size === 0) return 'whole'
  if (first === '') return Number(last) === 0 ? 'none' : { from: Math.max(0, size - Number(last)), to: size }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return 'whole'
  if (from >= size) return 'none'
  return { from, to: last === '' ? size : Math.min(size, Number(last) + 1) }
}
