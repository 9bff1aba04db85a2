/** Files, sockets and pipes that our parent process left open. */
import { closeSync, readdirSync } from 'node:fs'
import { descriptorFlags } from '../shared/system/descriptors.ts'

/** `O_CLOEXEC`, for which Node has no constant; everything that Node opens has it. */
const closeOnExec = 0o2000000

/**
 * Closes those that our programs would inherit: a program gets its own three and no more. To be called before anything
 * else is opened. libuv does the same only for the first ones, up to a gap behind 15. Without /proc nothing happens.
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
  // Undefined: it was the descriptor of the listing itself.
  return flags !== undefined && (flags & closeOnExec) === 0
}
