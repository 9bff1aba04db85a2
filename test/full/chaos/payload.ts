/**
 * Bodies that say whose they are and whether they are whole: `<id:0>` again and again, then `<id:1>` …, and a last line with the
 * identity, the length and the SHA-256 of what stands before it. Bytes of another request, a gap and a missing end are all seen.
 */
import { createHash } from 'node:crypto'

const pieceSize = 16_384

/** All of a body with `size` bytes before its last line. */
export function payload(id: string, size: number): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0, n = 0; at < size; at += pieceSize, n += 1)
    pieces.push(Buffer.alloc(Math.min(pieceSize, size - at), `<${id}:${n}>`))
  const content = Buffer.concat(pieces)
  return Buffer.concat([content, Buffer.from(`\n${id} ${size} ${sha256(content)}\n`)])
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** What is wrong with a body that was received as whole; undefined if nothing is. */
export function wrongOf(body: Buffer, id: string, size: number): string | undefined {
  const wanted = payload(id, size)
  if (body.equals(wanted)) return undefined
  let at = 0
  while (at < body.length && at < wanted.length && body[at] === wanted[at]) at += 1
  const excerpt = body.subarray(Math.max(0, at - 20), at + 80).toString('latin1')
  return `${body.length} of ${wanted.length} bytes, another one at ${at}: ${JSON.stringify(excerpt)}`
}

const lineLength = 64

/** A file of so many lines, each of which names its version and its place. */
export function fileOf(version: number, lines: number): Buffer {
  const text = Array.from({ length: lines }, (_, n) =>
    `version ${version} line ${n} of ${lines} `.padEnd(lineLength - 1, '.'),
  )
  return Buffer.from(`${text.join('\n')}\n`)
}

/**
 * What is wrong with a file that was received as whole. `beginning`: it may end early, because it is written in place, and a reader
 * finds on the disk what has been written so far; lines of two versions are wrong in any case.
 */
export function wrongFile(body: Buffer, { beginning }: { readonly beginning: boolean }): string | undefined {
  const [, version, lines] = /^version (\d+) line 0 of (\d+) /.exec(body.toString('latin1', 0, lineLength)) ?? []
  if (version === undefined) return beginning && body.length === 0 ? undefined : `${body.length} bytes of no version`
  const wanted = fileOf(Number(version), Number(lines))
  if (body.equals(wanted) || (beginning && body.equals(wanted.subarray(0, body.length)))) return undefined
  let at = 0
  while (at < body.length && body[at] === wanted[at]) at += 1
  return `version ${version} has ${wanted.length} bytes; ${body.length} came, another one at ${at}: ${JSON.stringify(body.toString('latin1', at, at + 80))}`
}
