import type { Part } from './disk.ts'

/**
 * The part of a body of `size` bytes that a Range header asks for (RFC 9110 §14.1.2). `whole`: it asks for several, which
 * may be answered so, or for something that is not understood; `none`: for bytes that are not there (416).
 */
export function readRange(header: string, size: number): Part | 'whole' | 'none' {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/i.exec(header)
  const [, first = '', last = ''] = match ?? []
  // Some clients ask for `bytes=0-` of everything: an empty file is no reason to refuse them.
  if (!match || (first === '' && last === '') || size === 0) return 'whole'
  if (first === '') return Number(last) === 0 ? 'none' : { from: Math.max(0, size - Number(last)), to: size }
  const from = Number(first)
  if (last !== '' && Number(last) < from) return 'whole'
  if (from >= size) return 'none'
  return { from, to: last === '' ? size : Math.min(size, Number(last) + 1) }
}
