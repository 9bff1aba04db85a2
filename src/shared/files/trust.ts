/** Which users are trusted with files: root and our own. All others are not, above all the users of children. */
import type { Stats } from 'node:fs'

export const sticky = 0o1000

/** Why an untrusted user could replace our files in this folder, as a predicate; undefined if none can. */
export function folderRisk(stats: Stats, trusted: readonly number[] = []): string | undefined {
  if (!isTrusted(stats.uid, trusted)) return `belongs to uid ${stats.uid}`
  // Others may add files, but neither remove nor rename ours.
  if ((stats.mode & sticky) !== 0) return undefined
  // An emptyDir of Kubernetes belongs to root and is open to all in the pod. Unless we are root, our children have no
  // other user.
  if (stats.uid === 0 && process.geteuid?.() !== 0) return undefined
  return writers(stats)
}

/** The same for a file that we write. A hard link may be a trick to make us change another file. */
export function fileRisk(stats: Stats, trusted: readonly number[] = []): string | undefined {
  if (stats.isFile() && stats.nlink > 1) return 'has another name as well (a hard link)'
  return isTrusted(stats.uid, trusted) ? undefined : `belongs to uid ${stats.uid}`
}

/** The same for the content of a file. */
export function contentRisk(stats: Stats): string | undefined {
  return isTrusted(stats.uid) ? writers(stats) : `belongs to uid ${stats.uid}`
}

export function isTrusted(uid: number, trusted: readonly number[] = []): boolean {
  return uid === 0 || uid === process.geteuid?.() || trusted.includes(uid)
}

/**
 * Our own groups are trusted: Kubernetes makes a volume with `fsGroup` writable for that group at each start and adds
 * it to ours; many systems give each user a private group.
 */
function writers({ mode, gid }: Stats): string | undefined {
  if ((mode & 0o002) !== 0) return 'is writable by everyone'
  if ((mode & 0o020) !== 0 && !ourGroups().includes(gid)) return `is writable by group ${gid}`
  return undefined
}

function ourGroups(): readonly number[] {
  return [process.getegid?.() ?? 0, ...(process.getgroups?.() ?? [])]
}

/** `0755` */
export function octal({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
