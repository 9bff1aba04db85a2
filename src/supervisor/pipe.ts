/**
 * Real pipes for a child's output. What Node calls a pipe is a Unix socket, which no one can open by name: a program that
 * logs to /dev/stdout or /dev/stderr, as container images are told to, would fail with ENXIO.
 */
import { closeSync, constants, mkdtempSync, openSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'

export interface OutputPipes {
  readonly stdout: Readable
  readonly stderr: Readable
  /** File descriptors for the child's stdout and stderr. */
  readonly ends: readonly [number, number]
  /** Closes our copies of the child's ends: only then does its end end the stream. To be called once it was spawned. */
  handOver(): void
  /** Closes our ends: no child came of it. */
  abandon(): void
}

/**
 * Node cannot make pipes, but it can open named ones: they are made in a private folder, opened, and their names removed.
 * `makeFifos` makes them and says whether it could. Undefined where that does not work (no mkfifo, no place to write).
 */
export function openPipes(makeFifos: (paths: readonly string[]) => boolean): OutputPipes | undefined {
  let folder: string | undefined
  const opened: number[] = []
  const open = (path: string, flags: number) => {
    const end = openSync(path, flags)
    opened.push(end)
    return end
  }
  try {
    folder = mkdtempSync(join(tmpdir(), 'gatehouse-'))
    const paths = [join(folder, 'stdout'), join(folder, 'stderr')] as const
    if (!makeFifos(paths)) return undefined
    // Not blocking: a read end would wait for its writer. The write ends block, as programs expect of their stdout.
    const ours = paths.map((path) => open(path, constants.O_RDONLY | constants.O_NONBLOCK))
    const ends = [open(paths[0], constants.O_WRONLY), open(paths[1], constants.O_WRONLY)] as const
    const [stdout, stderr] = ours.map((fd) => new Socket({ fd, readable: true, writable: false })) as [Socket, Socket]
    return {
      stdout,
      stderr,
      ends,
      handOver() {
        for (const end of ends) closeSync(end)
      },
      abandon() {
        stdout.destroy()
        stderr.destroy()
      },
    }
  } catch {
    for (const end of opened) closeSync(end)
    return undefined
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}
