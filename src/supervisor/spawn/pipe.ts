/**
 * Real pipes for what a child writes. What Node calls a pipe is a Unix socket, which no one can open by name: a program that
 * logs to /dev/stdout or /dev/stderr, as container images are told to, would fail with ENXIO.
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
  /** Closes our copies of the child's ends: only then does its end end the stream. To be called once it was spawned. */
  handOver(): void
  /** Closes our ends: no child came of it. */
  abandon(): void
}

/** Why there are none, naming the places that were tried. */
export interface NoPipes {
  readonly reason: string
}

/** Where the root of a container is read-only, often /tmp is too; /dev/shm is there for the memory that processes share. */
const places = () => [...new Set([tmpdir(), '/dev/shm'])]

/**
 * Node cannot make pipes, but it can open named ones: they are made in a private folder, opened, and their names removed.
 * `makeFifos` makes them and says whether it could; `others`: so many beside stdout and stderr.
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
    // Not blocking: a read end would wait for its writer. The write ends block, as programs expect of their stdout.
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

/** Name by name: what looks into the folder first needs a descriptor, of which there may be none left. */
function remove(folder: string, paths: readonly string[]): void {
  for (const removed of [...paths.map((path) => () => unlinkSync(path)), () => rmdirSync(folder)]) {
    try {
      removed()
    } catch {} // it was not made, or somebody else cleans the folder for temporary files
  }
}
