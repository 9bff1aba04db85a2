/**
 * Folders in which no stranger leads us elsewhere. Where the user of a child may write, a name may become a link to any file between
 * the look and the opening, and what runs as root follows it. So a folder is opened once and judged, and all that is done in it
 * is done below its descriptor: openat(2), which Node lacks, is a path through /proc/self/fd.
 * See docs/adr/0022-files-below-descriptors.md.
 */
import { closeSync, constants, type Stats } from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'
import { doAtOnce, doWaiting, type Steps, step } from './steps.ts'
import { flawOfFolder, isTrusted, octal, sticky } from './trust.ts'

export interface SafeFolder {
  /** A path for `name` in this very folder, whatever the folder's own path means by now. Good until `close`. */
  at(name: string): string
  close(): void
  /** Who may write here, as a predicate; only if it was opened as anybody's. */
  readonly flaw?: string
  /** The same error, with the path that people know. */
  named(error: unknown): unknown
}

export interface FolderWish {
  /** It and those above it that are missing are made, with this mode. */
  readonly make?: number
  /** Whose folder it may be beside root's and ours. */
  readonly trusted?: readonly number[]
  /** Links are judged, and who may write here is told as `flaw`: for what is read and judged by itself. */
  readonly anybodys?: boolean
  /** If it is ours and strangers may remove what is in it, that is taken from them (chmod +t): for a folder that others need, too. */
  readonly claim?: boolean
}

/** Throws if a stranger may write to it or leads there by a link, with what would help; and what open(2) throws. */
export async function openFolder(path: string, wish: FolderWish = {}): Promise<SafeFolder> {
  return doWaiting(opening(resolve(path), wish))
}

export function openFolderSync(path: string, wish: FolderWish = {}): SafeFolder {
  return doAtOnce(opening(resolve(path), wish))
}

/** Does `work` there. Errors have the paths that people know. */
export async function inFolder<T>(
  path: string,
  wish: FolderWish,
  work: (folder: SafeFolder) => Promise<T>,
): Promise<T> {
  const folder = await openFolder(path, wish)
  try {
    return await work(folder)
  } catch (error) {
    throw folder.named(error)
  } finally {
    folder.close()
  }
}

export function inFolderSync<T>(path: string, wish: FolderWish, work: (folder: SafeFolder) => T): T {
  const folder = openFolderSync(path, wish)
  try {
    return work(folder)
  } catch (error) {
    throw folder.named(error)
  } finally {
    folder.close()
  }
}

const isLinux = process.platform === 'linux'
/** O_PATH, which Node does not name: to pass through a folder, reading it is no right that one needs. */
const toFolder = constants.O_DIRECTORY | (isLinux ? 0o10000000 : constants.O_RDONLY)

function* opening(path: string, { make, trusted, anybodys = false, claim = false }: FolderWish): Steps<SafeFolder> {
  const { fd, below } = yield* pinned(path, make)
  let flaw: string | undefined
  try {
    const stats = yield* step('fstat', fd)
    flaw = yield* flawOf(below, stats, trusted)
    if (flaw !== undefined && claim && stats.uid === process.geteuid?.()) {
      yield* step('chmod', below, (stats.mode & 0o7777) | sticky)
      flaw = undefined
    }
    if (flaw !== undefined && !anybodys) throw unsafe(path, flaw, stats)
  } catch (error) {
    yield* step('close', fd)
    throw error
  }
  return {
    at: (name) => join(below, name),
    close: () => closeSync(fd),
    named: (error) => renamed(error, below, path),
    ...(flaw !== undefined && { flaw }),
  }
}

interface Pinned {
  readonly fd: number
  /** Stands for the folder in front of a name. */
  readonly below: string
}

/** The folder itself, to which only links that are to be trusted have led. */
function* pinned(path: string, make: number | undefined): Steps<Pinned> {
  try {
    const direct = yield* opened(path)
    if (direct) return direct
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || make === undefined || dirname(path) === path) throw error
    yield* made(path, make)
  }
  // There are links on the way, or it has just been made.
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
 * Where a path leads. Of links only those of root and our own are followed, and only as long as no stranger may write to any of the
 * folders passed so far: /var/run, and the volumes of Kubernetes, are made of such.
 * `strictly`: no such folder may be passed at all, since nothing will hold what is found here.
 */
export function* withoutLinks(path: string, strictly = false): Steps<string> {
  let real = '/'
  let rest = namesOf(path)
  let links = 0
  let danger: string | undefined
  while (rest.length > 0) {
    const folder = yield* step('lstat', real)
    const flaw = yield* flawOf(real, folder)
    if (flaw !== undefined) danger ??= `${real} ${flaw}`
    if (strictly && flaw !== undefined) throw unsafe(real, flaw, folder)
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
      throw new Error(`${next} is a link and is not followed, since ${why}: name the place that it leads to`)
    }
    links += 1
    if (links > mostLinks) throw Object.assign(new Error(`ELOOP: too many links in ${path}`), { code: 'ELOOP' })
    const target = yield* step('readlink', next)
    if (isAbsolute(target)) real = '/'
    rest = [...namesOf(target), ...rest]
  }
  return real
}

/** ConfigMaps of Kubernetes are writable by everybody, and lie on a file system that nobody can write to. */
function* flawOf(path: string, stats: Stats, trusted?: readonly number[]): Steps<string | undefined> {
  const flaw = flawOfFolder(stats, trusted)
  if (flaw === undefined) return undefined
  try {
    yield* step('access', path, constants.W_OK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return undefined
  }
  return flaw
}

function namesOf(path: string): readonly string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

function unsafe(path: string, flaw: string, stats: Stats): Error {
  const us = process.geteuid?.() ?? 0
  const remedy = isTrusted(stats.uid) ? `chmod go-w ${path}, or chmod +t ${path}` : `chown ${us} ${path}`
  return new Error(
    `the folder ${path} ${flaw} (owner ${stats.uid}, group ${stats.gid}, mode ${octal(stats)}), who could lead us to other files there: ${remedy}, or name another folder`,
  )
}

function renamed(error: unknown, below: string, path: string): unknown {
  if (!(error instanceof Error) || below === path) return error
  const { path: place } = error as NodeJS.ErrnoException
  error.message = error.message.replaceAll(`${below}/`, join(path, '/'))
  if (place?.startsWith(`${below}/`)) Object.assign(error, { path: join(path, place.slice(below.length)) })
  return error
}
