/**
 * A machine in small for one Gatehouse: a root of its own, whose system and project are this machine's, read-only, and a network of its
 * own, so that what is written in a file as it stands (`:8080`, `/run`, `/data`) cannot conflict with others. It ends with the last process in it.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { projectFolder } from './gatehouse.ts'

export interface SmallRoot {
  /** Words to stand before a command, which becomes the first program in there, with their pid. */
  readonly words: readonly string[]
  /** Runs a command beside the program with this pid, in its root and network and as its user. */
  beside(pid: number, words: readonly string[], as?: number): { code: number | null; stdout: string; stderr: string }
}

export interface SmallRootOptions {
  /** Who runs in it. Default: root. */
  readonly uid?: number
  /** Absolute paths of folders that are empty and read-only in there: `/run`. All others that are empty are root's. */
  readonly readOnly?: readonly string[]
  /** Absolute path of the folder of the test, the same in there. */
  readonly folder: string
  /** More to do as root before, as lines of a shell; `$root` is where the root will be. */
  readonly before?: string
}

/** Why there can be none here, or undefined. */
export function noSmallRoot(): string | undefined {
  if (process.geteuid?.() !== 0) return 'a root file system of its own needs root'
  if (spawnSync('unshare', ['--mount', '--net', 'true']).status !== 0) return 'namespaces are not allowed here'
  return spawnSync('ip', ['-V']).error ? 'ip is missing' : undefined
}

const system = ['/usr', '/lib', '/lib64', '/bin', '/sbin', '/etc', '/proc', '/dev']

export function smallRoot({ uid = 0, readOnly = [], folder, before = '' }: SmallRootOptions): SmallRoot {
  const root = mkdtempSync(join(tmpdir(), 'gatehouse-root-'))
  chmodSync(root, 0o755)
  onTestFinished(() => rmSync(root, { recursive: true }))
  const mounts = [...system.filter(existsSync), projectFolder].map((path) => mountOf(path, root))
  const empty = ['/run', '/data', '/tmp'].map((path) => {
    mkdirSync(join(root, path))
    return `mount -t tmpfs -o mode=${path === '/tmp' ? '1777' : '755'} tmpfs ${join(root, path)}`
  })
  const script = [
    'set -e',
    `root=${root}`,
    'ip link set lo up',
    ...mounts,
    ...empty,
    `mkdir -p $root${folder} && mount --bind ${folder} $root${folder}`,
    before,
    ...readOnly.map((path) => `mount -o remount,ro ${join(root, path)}`),
    'exec /usr/sbin/chroot $root "$@"',
  ]
  const become = (who: number) =>
    who === 0 ? [] : ['setpriv', `--reuid=${who}`, `--regid=${who}`, '--clear-groups', '--inh-caps=-all']
  return {
    words: ['/usr/bin/unshare', '--mount', '--net', '/bin/sh', '-c', script.join('\n'), 'sh', ...become(uid)],
    beside(pid, words, as = uid) {
      const enter = ['--target', `${pid}`, '--mount', '--net', '--root', '--wd']
      const { status, stdout, stderr } = spawnSync('nsenter', [...enter, ...become(as), ...words], {
        encoding: 'utf8',
        env: { PATH: `${projectFolder}/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin` },
      })
      return { code: status, stdout, stderr }
    },
  }
}

/** The line that binds a path of this machine; none for a link, which is made at once. */
function mountOf(path: string, root: string): string {
  const target = join(root, path)
  mkdirSync(dirname(target), { recursive: true })
  if (lstatSync(path).isSymbolicLink()) {
    symlinkSync(readlinkSync(path), target)
    return ''
  }
  mkdirSync(target, { recursive: true })
  const kind = path === '/dev' || path === '/proc' ? '--rbind' : '--bind'
  return `mount ${kind} ${path} ${target}${kind === '--bind' ? ` && mount -o remount,bind,ro ${target}` : ''}`
}
