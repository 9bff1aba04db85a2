/** What programs write, as they wrote it: `<directory>/<process>/<hostname>-stdout.log` and `-stderr.log`. */

import { join } from 'node:path'
import type { Bytes } from '../../shared/bytes.ts'
import { messageOf } from '../../shared/errors.ts'
import { createDiskLane } from '../../shared/files/disk-lane.ts'
import type { Log } from '../../shared/log.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { compressArchives } from './archives.ts'
import { LogFile, type LogFileSurroundings } from './log-file.ts'

export interface LogFiles {
  /** Takes a line without its end. Neither throws nor waits for the disk. */
  line(process: string, stream: 'stdout' | 'stderr', text: string): void
  /** A sentence for each file that cannot be written at the moment. */
  troubles(): readonly string[]
  /** Writes what still waits, and nothing after that. Gives up after a second: a disk that is full or hangs may not hold up a stop. */
  close(): Promise<void>
}

export interface LogFilesOptions {
  /** Absolute; made when the first line comes. */
  readonly directory: string
  /** Of one file; then it is rotated and compressed. */
  readonly size: Bytes
  /** How many archives of each file are kept. */
  readonly keep: number
  /** Replicas share a volume: each has files of its own. */
  readonly hostname: string
  readonly log: Log
}

const closingPatience: Milliseconds = 1_000

export function createLogFiles({ directory, size, keep, hostname, log }: LogFilesOptions): LogFiles {
  const files = new Map<string, LogFile>()
  const disk = createDiskLane()
  /** One compression at a time: it is in nobody's way, and nobody waits for it. */
  let compressing: Promise<void> = Promise.resolve()

  const compress = ({ path }: LogFile) => {
    compressing = compressing
      .then(() => compressArchives(path, disk))
      .catch((error) => log.warn(`archives of ${path} are not compressed: ${messageOf(error)}`, { file: path }))
  }

  const surroundings: LogFileSurroundings = {
    disk,
    size,
    keep,
    trouble({ path }, why) {
      log.warn(`the log file ${path} cannot be written: ${why}; some lines wait, later ones are lost`, { file: path })
    },
    over({ path }, lost) {
      const loss = lost === 0 ? 'nothing was lost' : `${lost} lines were lost`
      log.warn(`the log file ${path} is written again; ${loss}`, { file: path, lost })
    },
    lost({ path }, lost) {
      log.warn(`${lost} lines were lost to the log file ${path}: they came faster than the disk takes them`, {
        file: path,
        lost,
      })
    },
    archives: compress,
  }

  const fileOf = (process: string, stream: 'stdout' | 'stderr') => {
    const path = join(directory, process, `${hostname}-${stream}.log`)
    const known = files.get(path)
    if (known) return known
    const file = new LogFile(path, surroundings)
    files.set(path, file)
    return file
  }

  return {
    line: (process, stream, text) => fileOf(process, stream).write(`${text}\n`),
    troubles: () =>
      [...files.values()].flatMap(({ path, trouble }) =>
        trouble === undefined ? [] : [`the log file ${path} cannot be written: ${trouble}`],
      ),
    async close() {
      const written = Promise.all([...files.values()].map((file) => file.finish()))
      // It keeps the process alive: with nothing else left to wait for, that would end in the midst of this, with exit code 0.
      const over = new AbortController()
      const patience = pause(closingPatience, undefined, { signal: over.signal }).catch(() => {})
      await Promise.race([written, patience])
      over.abort()
      for (const file of files.values()) file.abandon()
    },
  }
}
