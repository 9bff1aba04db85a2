/** Runs a verb of the built binary, as a process of its own. */
import { execFile } from 'node:child_process'
import { binary } from '../e2e/support/gatehouse.ts'

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export function gatehouse(...words: readonly string[]): Promise<Ended> {
  const [program = '', ...first] = binary
  return new Promise((resolve) => {
    execFile(program, [...first, ...words], { timeout: 60_000 }, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err })
    })
  })
}
