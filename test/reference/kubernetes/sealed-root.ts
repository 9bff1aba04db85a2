/**
 * A container by hand, as a pod's securityContext asks for it: a root of its own that is read-only, the pod's volumes mounted
 * where the manifest says, a user without any capability and no way to get one. Needs root, for unshare(1) and mount(8).
 */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { part } from '../../parts.ts'
import type { Container } from './pod.ts'

export interface SealedRoot {
  /** Words to stand before a command; what it says is on its own stdout, and its pid is that of the first word. */
  readonly words: readonly string[]
  /** Why there is none. */
  readonly missing?: string
}

/** Whose image it would be: what it brings is bound from the machine, read-only. */
const system = ['/usr', '/lib', '/lib64', '/bin', '/sbin'] as const
const devices = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom'] as const
const uid = 10_001

/** Why it cannot be made here, as a test says when it is skipped; undefined if it can. */
export function whyUnsealed(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may make a root of its own'
  return part('unshare') && part('setpriv') ? undefined : 'unshare or setpriv is missing'
}

/**
 * `folder` is empty and the test's own. `brought` maps paths in the container to those on the machine that are bound there,
 * read-only; a volume that is writable becomes an empty one, and any other must be among `brought`.
 */
export function sealedRoot(
  folder: string,
  { volumeMounts }: Container,
  brought: Readonly<Record<string, string>>,
): readonly string[] {
  const root = join(folder, 'root')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), `root:x:0:0::/:/bin/sh\ngatehouse:x:${uid}:${uid}::/data:/usr/sbin/nologin\n`)
  writeFileSync(join(root, 'etc/group'), `root:x:0:\ngatehouse:x:${uid}:\n`)
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
  const writable = volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath)
  const bound = { ...Object.fromEntries([...system, ...devices, '/proc'].map((path) => [path, path])), ...brought }
  // On the machine's own file system, so that one bind of it upon itself can be made read-only.
  const script = [
    'set -e',
    `mount --bind ${root} ${root}`,
    ...Object.entries(bound).filter(([, from]) => existsSync(from)).map(([to, from]) => bind(from, join(root, to))),
    ...writable.map((path) => volume(join(root, path))),
    `mount -o remount,bind,ro ${root}`,
    `exec chroot ${root} setpriv --reuid ${uid} --regid ${uid} --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs "$@"`,
  ]
  return [part('unshare') ?? 'unshare', '--mount', '/bin/sh', '-c', script.join('\n'), 'sh']
}
