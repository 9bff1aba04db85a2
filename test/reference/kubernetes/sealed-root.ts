/**
 * A container by hand, as a pod's securityContext asks for it: a root of its own that is read-only, the pod's volumes where the
 * manifest mounts them, its user, and no capability but those that it names, nor a way to get one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Pod } from './pod.ts'

/** Who may: root, with unshare(1), mount(8) and setpriv(1), which every Debian has. */
export const mayUnshare = spawnSync('unshare', ['--mount', 'setpriv', '--version']).status === 0

/** What an image brings; of the machine, and read-only. */
const image = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc/ssl', '/etc/alternatives']
/** What container runtimes add. */
const devices = ['/dev/null', '/dev/zero', '/dev/random', '/dev/urandom', '/proc']
const files = {
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/passwd':
    'root:x:0:0::/:/bin/sh\npostgres:x:70:70::/:/bin/sh\ngatehouse:x:10001:10001::/data:/usr/sbin/nologin\n',
  'etc/group': 'root:x:0:\npostgres:x:70:\ngatehouse:x:10001:\n',
}

/**
 * Words to stand before a command of the pod's Gatehouse; the process that they make is the command's own. `folder` is
 * empty and the test's own. `brought` maps paths in the container to those on the machine that are bound there, read-only.
 */
export function sealedRoot(folder: string, pod: Pod, brought: Readonly<Record<string, string>>): readonly string[] {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  const mounts = pod.gatehouse.volumeMounts.filter(({ readOnly }) => !readOnly)
  const script = [
    'set -e',
    // Mounts of a mount namespace end with its last process; this one is made read-only when all others are there.
    `mount --bind ${folder} ${folder}`,
    ...image.filter(existsSync).map((path) => put(path, folder, path, 'bind,ro')),
    ...devices.map((path) => put(path, folder, path, 'bind')),
    memory(join(folder, '/dev/shm'), 'mode=1777'),
    ...Object.entries(brought).map(([to, from]) => put(from, folder, to, 'bind,ro')),
    ...mounts.map(({ name, mountPath }) => memory(join(folder, mountPath), rightsOf(name, pod))),
    `mount -o remount,bind,ro ${folder}`,
    `exec /usr/sbin/chroot ${folder} setpriv ${identity(pod)} --inh-caps=-all --no-new-privs "$@"`,
  ]
  return ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', script.filter(Boolean).join('\n'), 'sh']
}

/** As the kubelet makes a new volume: an emptyDir for everyone, another for root, and either for the `fsGroup`. */
function rightsOf(volume: string, { spec }: Pod): string {
  const empty = (spec.volumes as { name: string; emptyDir?: unknown }[]).some(
    (one) => one.name === volume && one.emptyDir,
  )
  const { fsGroup } = spec.securityContext
  return `mode=${fsGroup === undefined ? '' : 2}${empty ? '777' : '755'}${fsGroup === undefined ? '' : `,gid=${fsGroup}`}`
}

/** Its user, and of all capabilities those that it is given. */
function identity({ spec, gatehouse }: Pod): string {
  const { runAsUser, runAsGroup, fsGroup } = spec.securityContext
  const { add = [] } = gatehouse.securityContext.capabilities
  const groups = fsGroup === undefined ? '--clear-groups' : `--groups=${fsGroup}`
  const bounds = ['-all', ...add.map((name) => `+${name.toLowerCase()}`)].join(',')
  return `--reuid=${runAsUser} --regid=${runAsGroup} ${groups} --bounding-set=${bounds}`
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

function memory(target: string, options: string): string {
  mkdirSync(target, { recursive: true })
  return `mount -t tmpfs -o ${options} tmpfs ${target}`
}
