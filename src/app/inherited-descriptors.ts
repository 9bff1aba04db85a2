/** Files, sockets and pipes that whoever started us left open to us. */
import { closeSync, readdirSync } from 'node:fs'
import { descriptorFlags } from '../shared/system/descriptors.ts'

/** `O_CLOEXEC`, which Node does not name; all that Node opens has it. */
const closeOnExec = 0o2000000

/**
 * Closes those that our programs would get as well, whatever they lead to: a program has its own three and no more. To be called
 * before anything else is opened. libuv keeps the first of them from programs by itself, up to a gap behind 15. Without /proc
 * nothing happens.
 */
export function closeInherited(): void {
  for (const descriptor of openDescriptors()) if (descriptor > 2 && isPassedOn(descriptor)) closeSync(descriptor)
}

function openDescriptors(): readonly number[] {
  try {
    return readdirSync('/proc/self/fd').map(Number)
  } catch {
    return []
  }
}

function isPassedOn(descriptor: number): boolean {
  const flags = descriptorFlags(descriptor)
  // Closed meanwhile: it was that of the listing itself.
  return flags !== undefined && (flags & closeOnExec) === 0
}
