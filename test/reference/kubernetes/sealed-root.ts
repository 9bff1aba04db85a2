/**
 * A container by hand, as a pod's securityContext asks for it: a root of its own that is read-only, the pod's volumes where the
 * manifest mounts them, and a user without any capability or a way to get one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Container } from './pod.ts'

/** Who may: root, with unshare(1), mount(8) and setpriv(1), which every Debian has. */
export const mayUnshare = spawnSync('unshare', ['--mount', 'setpriv', '--version']).status === 0

/** What an image brings; of the machine, and read-only. */
const image = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc/ssl', '/etc/alternatives', '/etc/java-17-openjdk']
const devices = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom', '/proc']
/** That of the manifests, and the only one in /etc/passwd beside root. */
const id = 10_001

/**
 * Words to stand before a command; the process that they make is the command's own. `folder` is empty and the test's own.
 * `brought` maps paths in the container to those on the machine that are bound there, read-only; each writable volume is an
 * empty one, with the rights that `fsGroup` gives it.
 */
export function sealedRoot(
  folder: string,
  { volumeMounts }: Container,
  brought: Readonly<Record<string, string>>,
): readonly string[] {
  const root = join(folder, 'root')
  mkdirSync(join(root, 'etc'), { recursive: true })
  writeFileSync(join(root, 'etc/passwd'), `root:x:0:0::/:/bin/sh\ngatehouse:x:${id}:${id}::/data:/usr/sbin/nologin\n`)
  writeFileSync(join(root, 'etc/group'), `root:x:0:\ngatehouse:x:${id}:\n`)
  writeFileSync(join(root, 'etc/hosts'), '127.0.0.1 localhost\n::1 localhost\n')
  const volumes = volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath)
  const script = [
    'set -e',
    // Mounts of a mount namespace end with its last process; this one is made read-only as the last.
    `mount --bind ${root} ${root}`,
    ...image.filter(existsSync).map((path) => put(path, root, path, 'bind,ro')),
    ...devices.map((path) => put(path, root, path, 'bind')),
    ...Object.entries(brought).map(([to, from]) => put(from, root, to, 'bind,ro')),
    ...volumes.map((path) => emptyVolume(join(root, path))),
    `mount -o remount,bind,ro ${root}`,
    `exec /usr/sbin/chroot ${root} setpriv --reuid=${id} --regid=${id} --groups=${id} --inh-caps=-all --bounding-set=-all --no-new-privs "$@"`,
  ]
  return ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', script.filter(Boolean).join('\n'), 'sh']
}

/** The line that mounts it; empty for a link, which is made at once. */
function put(from: string, root: string, to: string, options: string): string {
  const target = join(root, to)
  mkdirSync(dirname(target), { recursive: true })
  if (lstatSync(from).isSymbolicLink()) {
    symlinkSync(readlinkSync(from), target)
    return ''
  }
  if (statSync(from).isDirectory()) mkdirSync(target, { recursive: true })
  else writeFileSync(target, '')
  return `mount -o ${options} ${from} ${target}`
}

function emptyVolume(target: string): string {
  mkdirSync(target, { recursive: true })
  return `mount -t tmpfs -o mode=2770,gid=${id} tmpfs ${target}`
}
