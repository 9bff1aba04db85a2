/** The first bytes of a program: a line `#!`, or an ELF header. */
import { closeSync, openSync, readSync } from 'node:fs'

export type ProgramHead =
  | {
      readonly kind: 'script'
      readonly interpreter: string
      readonly words: readonly string[]
      readonly carriageReturn: boolean
    }
  /** `machine`: e_machine of elf(5). `loader`: absolute path; absent: it is linked statically. */
  | { readonly kind: 'elf'; readonly machine: number; readonly loader?: string }
  | { readonly kind: 'other' }

const other: ProgramHead = { kind: 'other' }

/** Programs need not be readable: then nothing is known. Never throws. */
export function readHead(file: string): ProgramHead {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const buffer = Buffer.alloc(4096)
      const bytes = buffer.subarray(0, readSync(descriptor, buffer))
      if (bytes.toString('latin1', 0, 2) === '#!') return scriptHead(bytes)
      return bytes.toString('latin1', 0, 4) === '\x7fELF' ? elfHead(bytes) : other
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return other
  }
}

/** execve(2): an interpreter, and the rest of the line as one word; the kernel looks at no more than 255 bytes. */
function scriptHead(bytes: Buffer): ProgramHead {
  const [line = ''] = bytes.toString('utf8', 2, 255).split('\n', 1)
  const [interpreter, ...words] = line.trim().split(/[ \t]+/)
  return interpreter ? { kind: 'script', interpreter, words, carriageReturn: line.endsWith('\r') } : other
}

const programInterpreter = 3 // PT_INTERP

/** elf(5); unusual forms, and headers beyond the first page, are ignored. */
function elfHead(bytes: Buffer): ProgramHead {
  const wide = bytes[4] === 2
  const little = bytes[5] === 1
  const half = (at: number) => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at))
  const word = (at: number) => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const offset = (at: number) => (wide ? word(little ? at : at + 4) : word(at))
  const [table, size, count] = wide ? [offset(32), half(54), half(56)] : [offset(28), half(42), half(44)]
  const head = { kind: 'elf', machine: half(18) } as const
  for (let index = 0; index < count; index += 1) {
    const entry = table + index * size
    if (entry + size > bytes.length) break
    if (word(entry) !== programInterpreter) continue
    const start = offset(entry + (wide ? 8 : 4))
    const end = start + offset(entry + (wide ? 32 : 16))
    if (end <= bytes.length) return { ...head, loader: bytes.toString('utf8', start, end).replace(/\0.*$/, '') }
  }
  return head
}
