/** The user `nobody`: may read what all may read, owns nothing. */
const nobody = 65_534

/**
 * Runs `work` without root's right to read everything, so that what is told about permissions can be tested by root too
 * (containers and CI are). For work that is already on its way to a file or socket that `nobody` can reach.
 */
export async function unprivileged<T>(work: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return work()
  process.seteuid?.(nobody)
  try {
    return await work()
  } finally {
    process.seteuid?.(0)
  }
}
