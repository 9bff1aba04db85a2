/**
 * Folders in which no other user can redirect us. Where the user of a child may write, a name may become a link to any
 * file between the check and the opening, which a process of root would follow. So a folder is opened once and checked,
 * and everything in it is accessed below its descriptor: as Node lacks openat(2), by paths through /proc/self/fd. See
 * docs/adr/0022-files-below-descriptors.md.
 */
import { closeSync, constants, type Stats } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { runAsync, runSync, type Steps, step } from './steps.ts'
import { folderRisk, isTrusted, octal, sticky } from './trust.ts'

export interface SafeFolder {
  /** A path for `name` in this folder, even if the folder's path has changed. Valid until `close`. */
  at(name: string): string
  close(): void
  /** Which untrusted users may write here, as a predicate; only with `untrusted`. */
  readonly risk?: string
  /** The same error, with the path of the folder instead of its descriptor. */
  named(error: unknown): unknown
}

export interface FolderOptions {
  /** Create it and missing parents with this mode. */
  readonly make?: number
  /** Uids of allowed owners, besides root and us. */
  readonly trusted?: readonly number[]
  /**
   * Allow untrusted writers, and report them as `risk`: for content that is checked by itself. Links are still checked.
   */
  readonly untrusted?: boolean
  /**
   * If it is ours and other users may remove files in it, set the sticky bit (chmod +t): for a folder that others need,
   * too.
   */
  readonly makeSticky?: boolean
}

/**
 * Throws with a hint if an untrusted user may write to it or owns a link on the way; else throws the error of open(2).
 */
export async function openFolder(path: string, options: FolderOptions = {}): Promise<SafeFolder> {
  return runAsync(opening(resolve(path), options))
}

export function openFolderSync(path: string, options: FolderOptions = {}): SafeFolder {
  return runSync(opening(resolve(path), options))
}

/** Runs `work` in the folder. Errors have its path instead of its descriptor. */
export async function inFolder<T>(
  path: string,
  options: FolderOptions,
  work: (folder: SafeFolder) => Promise<T>,
): Promise<T> {
  const folder = await openFolder(path, options)
  try {
    return await work(folder)
  } catch (error) {
    throw folder.named(error)
  } finally {
    folder.close()
  }
}

export function inFolderSync<T>(path: string, options: FolderOptions, work: (folder: SafeFolder) => T): T {
  const folder = openFolderSync(path, options)
  try {
    return work(folder)
  } catch (error) {
    throw folder.named(error)
  } finally {
    folder.close()
  }
}

const isLinux = process.platform === 'linux'
/** O_PATH, for which Node has no constant: passing through a folder needs no permission to read it. */
const toFolder = constants.O_DIRECTORY | (isLinux ? 0o10000000 : constants.O_RDONLY)

function* opening(path: string, options: FolderOptions): Steps<SafeFolder> {
  const { make, trusted, untrusted = false, makeSticky = false } = options
  const { fd, below } = yield* pinned(path, make)
  let risk: string | undefined
  try {
    const stats = yield* step('fstat', fd)
    risk = yield* riskOf(below, stats, trusted)
    if (risk !== undefined && makeSticky && stats.uid === process.geteuid?.()) {
      yield* step('chmod', below, (stats.mode & 0o7777) | sticky)
      risk = undefined
    }
    if (risk !== undefined && !untrusted) throw unsafe(path, risk, stats)
  } catch (error) {
    yield* step('close', fd)
    throw error
  }
  return {
    at: (name) => join(below, name),
    close: () => closeSync(fd),
    named: (error) => renamed(error, below, path),
    ...(risk !== undefined && { risk }),
  }
}

interface Pinned {
  readonly fd: number
  /** Stands for the folder in front of a name. */
  readonly below: string
}

/** The folder itself, reached by trusted links only. */
function* pinned(path: string, make: number | undefined): Steps<Pinned> {
  try {
    const direct = yield* opened(path)
    if (direct) return direct
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || make === undefined || dirname(path) === path) throw error
    yield* made(path, make)
  }
  // There are links on the way, or it has just been created.
  const real = yield* withoutLinks(path, !isLinux)
  const found = yield* opened(real)
  if (!found) throw new Error(`the folder ${path} was replaced while it was being opened`)
  return found
}

/** Undefined if a link was followed. */
function* opened(path: string): Steps<Pinned | undefined> {
  const fd = yield* step('open', path, toFolder)
  if (!isLinux) return { fd, below: path }
  const below = `/proc/self/fd/${fd}`
  try {
    if ((yield* step('readlink', below)) === path) return { fd, below }
  } catch (error) {
    yield* step('close', fd)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error('/proc is not mounted, and without it files cannot be opened safely: mount it')
    throw error
  }
  yield* step('close', fd)
  return undefined
}

function* made(path: string, mode: number): Steps<void> {
  const parent = yield* pinned(dirname(path), mode)
  try {
    yield* step('mkdir', join(parent.below, basename(path)), mode)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw renamed(error, parent.below, dirname(path))
  } finally {
    yield* step('close', parent.fd)
  }
}

/** As in Linux (path_resolution(7)). */
const mostLinks = 40

/**
 * Resolves links, of root and our own only, and only while no untrusted user may write to any folder on the way:
 * /var/run and volumes of Kubernetes have such links. `strictly`: such a folder is not allowed at all, since the result
 * is not pinned by a descriptor.
 */
export function* withoutLinks(path: string, strictly = false): Steps<string> {
  let real = '/'
  let rest = namesOf(path)
  let links = 0
  let danger: string | undefined
  while (rest.length > 0) {
    const folder = yield* step('lstat', real)
    const risk = yield* riskOf(real, folder)
    if (risk !== undefined) danger ??= `${real} ${risk}`
    if (strictly && risk !== undefined) throw unsafe(real, risk, folder)
    const [name = '', ...after] = rest
    const next = join(real, name)
    rest = after
    const stats = yield* step('lstat', next)
    if (!stats.isSymbolicLink()) {
      real = next
      continue
    }
    if (danger !== undefined || !isTrusted(stats.uid)) {
      const why = danger ?? `it belongs to uid ${stats.uid}`
      throw new Error(`${next} is a link and is not followed, since ${why}: use the path that it points to`)
    }
    links += 1
    if (links > mostLinks) throw Object.assign(new Error(`ELOOP: too many links in ${path}`), { code: 'ELOOP' })
    const target = yield* step('readlink', next)
    if (isAbsolute(target)) real = '/'
    rest = [...namesOf(target), ...rest]
  }
  return real
}

/** ConfigMaps of Kubernetes have mode 0777 on a read-only file system, which is safe. */
function* riskOf(path: string, stats: Stats, trusted?: readonly number[]): Steps<string | undefined> {
  const risk = folderRisk(stats, trusted)
  if (risk === undefined) return undefined
  try {
    yield* step('access', path, constants.W_OK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return undefined
  }
  return risk
}

function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function unsafe(path: string, risk: string, stats: Stats): Error {
  const us = process.geteuid?.() ?? 0
  const remedy = isTrusted(stats.uid) ? `chmod go-w ${path}, or chmod +t ${path}` : `chown ${us} ${path}`
  return new Error(
    `the folder ${path} ${risk} (owner ${stats.uid}, group ${stats.gid}, mode ${octal(stats)}), who could redirect us to other files: ${remedy}, or choose another folder`,
  )
}

function renamed(error: unknown, below: string, path: string): unknown {
  if (!(error instanceof Error) || below === path) return error
  const { path: place } = error as NodeJS.ErrnoException
  error.message = error.message.replaceAll(`${below}/`, join(path, '/'))
  if (place?.startsWith(`${below}/`)) Object.assign(error, { path: join(path, place.slice(below.length)) })
  return error
}
