import { stat } from 'node:fs/promises'

/** Changes whenever the file is written or replaced; undefined if there is none. */
export async function fileSign(path: string): Promise<string | undefined> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return undefined
  }
}
