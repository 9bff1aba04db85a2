/** Whom we believe about files: root, and the user we run as. Everyone else is a stranger, a child's user above all. */
import type { Stats } from 'node:fs'

export const sticky = 0o1000

/** Undefined if no stranger decides what stands in this folder under the names that are ours; else why, as a predicate. */
export function flawOfFolder(stats: Stats, trusted: readonly number[] = []): string | undefined {
  if (!isTrusted(stats.uid, trusted)) return `belongs to uid ${stats.uid}`
  // Strangers may add files to it, but neither remove nor rename ours.
  if ((stats.mode & sticky) !== 0) return undefined
  // An emptyDir of Kubernetes: root's, and open to all in the pod. A program that is not root's runs nobody with fewer rights.
  if (stats.uid === 0 && process.geteuid?.() !== 0) return undefined
  return writers(stats)
}

/** The same of a file that we write to or change. A second name may have been given to it by whoever wants it changed. */
export function flawOfFile(stats: Stats, trusted: readonly number[] = []): string | undefined {
  if (stats.isFile() && stats.nlink > 1) return 'has another name as well (a hard link)'
  return isTrusted(stats.uid, trusted) ? undefined : `belongs to uid ${stats.uid}`
}

/** The same of what a file says. */
export function flawOfContent(stats: Stats): string | undefined {
  return isTrusted(stats.uid) ? writers(stats) : `belongs to uid ${stats.uid}`
}

export function isTrusted(uid: number, trusted: readonly number[] = []): boolean {
  return uid === 0 || uid === process.geteuid?.() || trusted.includes(uid)
}

/**
 * A group that we are in ourselves was given to us to share with: Kubernetes makes all of a volume with `fsGroup` writable for
 * that group at each start, and adds it to ours; many systems give each user a group of their own.
 */
function writers({ mode, gid }: Stats): string | undefined {
  if ((mode & 0o002) !== 0) return 'can be written by everybody'
  if ((mode & 0o020) !== 0 && !ourGroups().includes(gid)) return `can be written by group ${gid}`
  return undefined
}

function ourGroups(): readonly number[] {
  return [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])]
}

/** `0755` */
export function octal({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
