import { stat } from 'node:fs/promises'

/** Changes when the file is written or replaced; undefined if there is none. */
export async function fileVersion(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return undefined
  }
}
