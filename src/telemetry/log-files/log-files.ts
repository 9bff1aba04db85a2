/** The unchanged output of programs: `<directory>/<process>/<hostname>-stdout.log` and `-stderr.log`. */

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
  /** Takes a line without its line feed. Neither throws nor waits for the disk. */
  line(process: string, stream: 'stdout' | 'stderr', text: string): void
  /** A sentence for each file that cannot be written at the moment. */
  troubles(): readonly string[]
  /**
   * Writes what is buffered, and nothing after that. Gives up after a second: a disk that is full or hangs must not
   * delay a stop.
   */
  close(): Promise<void>
}

export interface LogFilesOptions {
  /** Absolute; created with the first line. */
  readonly directory: string
  /** At this size a file is rotated and compressed. */
  readonly size: Bytes
  /** How many archives of each file are kept. */
  readonly keep: number
  /** Part of the file names, since replicas may share a volume. */
  readonly hostname: string
  readonly log: Log
}

const closingPatience: Milliseconds = 1_000

export function createLogFiles({ directory, size, keep, hostname, log }: LogFilesOptions): LogFiles {
  const files = new Map<string, LogFile>()
  const disk = createDiskLane()
  /** One compression at a time, in the background. */
  let compressing: Promise<void> = Promise.resolve()

  const compress = ({ path }: LogFile) => {
    compressing = compressing
      .then(() => compressArchives(path, disk))
      .catch((error) => log.warn(`cannot compress the archives of ${path}: ${messageOf(error)}`, { file: path }))
  }

  const surroundings: LogFileSurroundings = {
    disk,
    size,
    keep,
    problem({ path }, why) {
      log.warn(`the log file ${path} cannot be written: ${why}; lines are buffered, then dropped`, { file: path })
    },
    over({ path }, lost) {
      const loss = lost === 0 ? 'nothing was lost' : `${lost} lines were lost`
      log.warn(`the log file ${path} is written again; ${loss}`, { file: path, lost })
    },
    lost({ path }, lost) {
      log.warn(`${lost} lines were lost to the log file ${path}: they came faster than the disk writes`, {
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
      [...files.values()].flatMap(({ path, problem }) =>
        problem === undefined ? [] : [`the log file ${path} cannot be written: ${problem}`],
      ),
    async close() {
      const written = Promise.all([...files.values()].map((file) => file.finish()))
      // This timer keeps the process alive, which could otherwise exit here with code 0.
      const over = new AbortController()
      const patience = pause(closingPatience, undefined, { signal: over.signal }).catch(() => {})
      await Promise.race([written, patience])
      over.abort()
      for (const file of files.values()) file.abandon()
    },
  }
}
