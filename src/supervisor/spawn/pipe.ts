/**
 * Real pipes for the output of a child. What Node calls a pipe is a Unix socket, which cannot be opened by name: a
 * program that logs to /dev/stdout or /dev/stderr, as container images should, would fail with ENXIO.
 */
import { closeSync, constants, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { codeOf } from '../../shared/errors.ts'

export interface ChildPipes {
  readonly stdout: Readable
  readonly stderr: Readable
  readonly others: readonly Readable[]
  /** File descriptors for the child: its stdout and stderr, then the others. */
  readonly ends: readonly [number, number, ...number[]]
  /**
   * Closes our copies of the child's ends; otherwise the streams would not end with the child. To be called after the
   * spawn.
   */
  handOver(): void
  /** Closes our ends, if the child could not be spawned. */
  abandon(): void
}

/** Why there are no pipes, with the folders that were tried. */
export interface NoPipes {
  readonly reason: string
}

/** In a container with a read-only root, /tmp is often read-only, too; /dev/shm is always writable. */
const places = () => [...new Set([tmpdir(), '/dev/shm'])]

/**
 * Node cannot create pipes, but it can open named ones: they are created in a private folder, opened, and removed
 * again. `makeFifos` creates them and returns whether it could; `others`: how many besides stdout and stderr.
 */
export function openPipes(makeFifos: (paths: readonly string[]) => boolean, others = 0): ChildPipes | NoPipes {
  const reasons: string[] = []
  for (const place of places()) {
    const pipes = openPipesIn(place, makeFifos, others)
    if ('ends' in pipes) return pipes
    reasons.push(`${place} (${pipes.reason})`)
  }
  return { reason: reasons.join(', ') }
}

function openPipesIn(
  place: string,
  makeFifos: (paths: readonly string[]) => boolean,
  others: number,
): ChildPipes | NoPipes {
  let folder: string | undefined
  let paths: readonly string[] = []
  const opened: number[] = []
  const open = (path: string, flags: number) => {
    const end = openSync(path, flags)
    opened.push(end)
    return end
  }
  try {
    folder = mkdtempSync(join(place, 'gatehouse-'))
    const names = ['stdout', 'stderr', ...Array.from({ length: others }, (_, index) => `other-${index}`)]
    paths = names.map((name) => join(folder ?? '', name))
    if (!makeFifos(paths)) return { reason: 'mkfifo failed or is missing' }
    // Non-blocking: opening a read end would wait for its writer. The write ends block, as programs expect of their
    // stdout.
    const ours = paths.map((path) => open(path, constants.O_RDONLY | constants.O_NONBLOCK))
    const ends = paths.map((path) => open(path, constants.O_WRONLY)) as [number, number, ...number[]]
    const streams = ours.map((fd) => new Socket({ fd, readable: true, writable: false }))
    const [stdout, stderr, ...rest] = streams as [Socket, Socket, ...Socket[]]
    return {
      stdout,
      stderr,
      others: rest,
      ends,
      handOver() {
        for (const end of ends) closeSync(end)
      },
      abandon() {
        for (const stream of streams) stream.destroy()
      },
    }
  } catch (error) {
    for (const end of opened) closeSync(end)
    return { reason: codeOf(error) }
  } finally {
    if (folder !== undefined) remove(folder, paths)
  }
}

/** Name by name: a recursive removal needs a descriptor to read the folder, and there may be none left. */
function remove(folder: string, paths: readonly string[]): void {
  for (const removed of [...paths.map((path) => () => unlinkSync(path)), () => rmdirSync(folder)]) {
    try {
      removed()
    } catch {} // it was not created, or another program cleans the folder for temporary files
  }
}
