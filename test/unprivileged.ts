import { unusedId } from './support/unused-id.ts'

/** A user that owns nothing and may read what everyone may. */
export const otherUser = process.geteuid?.() === 0 ? await unusedId() : process.geteuid?.()

/**
 * Runs `work` without root's right to read everything, so that messages about permissions can be tested by root too
 * (containers and CI are). For work that is already on its way to a file or socket that every user can reach.
 */
export async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0 || otherUser === undefined) return work()
  process.seteuid?.(otherUser)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}
