/** Log files in a folder of their own, and what is said of them. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'
import type { LogFields } from '../../../src/shared/log.ts'
import { createLogFiles, type LogFiles } from '../../../src/telemetry/log-files/log-files.ts'

export interface Desk {
  readonly files: LogFiles
  readonly directory: string
  readonly said: readonly { readonly message: string; readonly fields: LogFields }[]
  /** Resolves when a word that matches was said. */
  waitForLog(pattern: RegExp): Promise<string>
  /** The folder of the process `web`. */
  list(): string[]
  /** Of a file of `web`, compressed or not. */
  read(name: string): string
  /** All that was written to stdout of `web`, archives first. */
  readAll(): string
}

export function desk({ size = 10_000_000, keep = 10, directory = folder() } = {}): Desk {
  const said: { message: string; fields: LogFields }[] = []
  const waiting = new Set<() => void>()
  const say = (message: string, fields: LogFields = {}) => {
    said.push({ message, fields })
    for (const look of [...waiting]) look()
  }
  const files = createLogFiles({ directory, size, keep, hostname: 'host', log: { info: say, warn: say, error: say } })
  onTestFinished(() => files.close())
  const list = () => readdirSync(join(directory, 'web')).sort()
  const read = (name: string) => {
    const bytes = readFileSync(join(directory, 'web', name))
    return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  }
  return {
    files,
    directory,
    said,
    list,
    read,
    readAll: () => [...list().filter((name) => name !== 'host-stdout.log'), 'host-stdout.log'].map(read).join(''),
    waitForLog(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const failure = new Error(`${pattern} was not said within 15 s`)
      const timer = setTimeout(() => reject(failure), 15_000)
      const look = () => {
        const found = said.find(({ message }) => pattern.test(message))
        if (!found) return
        clearTimeout(timer)
        waiting.delete(look)
        resolve(found.message)
      }
      waiting.add(look)
      look()
      return promise
    },
  }
}

export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-log-files-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A disk of so many bytes; undefined where we may not mount one. */
export function smallDisk(bytes: number): string | undefined {
  const path = folder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=700`, 'none', path], { stdio: 'ignore' })
  if (mounted.status !== 0) return undefined
  onTestFinished(() => void spawnSync('umount', ['-l', path], { stdio: 'ignore' }))
  return path
}

/** Nobody tells when a file has appeared: it is looked for until it has. */
export async function until(check: () => boolean): Promise<void> {
  const ends = performance.now() + 15_000
  while (!check()) {
    if (performance.now() > ends) throw new Error(`not so within 15 s: ${check}`)
    await sleep(10)
  }
}
