/**
 * Where our reading of an answer differs from llhttp's, and whether that is one of the differences that ADR 14 argues
 * for.
 */
import { parseWithLlhttp } from './llhttp.ts'
import { mutatedAnswer, randomFrom } from './mutations.ts'
import { parse } from './parsed.ts'

export interface Difference {
  readonly answer: string
  readonly method: string
  readonly ours: unknown
  readonly theirs: unknown
}

export interface Comparison {
  /** Both read the same, or both refused. */
  agreed: number
  /** Of those, both read it. */
  read: number
  /** Differences that are argued for, by their reason. */
  readonly argued: Record<string, number>
  readonly differences: Difference[]
}

export function compare(count: number, seed: number): Comparison {
  const random = randomFrom(seed)
  const found: Comparison = { agreed: 0, read: 0, argued: {}, differences: [] }
  for (let i = 0; i < count && found.differences.length < 20; i++) {
    const answer = mutatedAnswer(random)
    const method = random() < 0.1 ? 'HEAD' : 'GET'
    const bytes = Buffer.from(answer, 'latin1')
    const cut = Math.floor(random() * (bytes.length + 1))
    const ours = parse([bytes], true, { method })
    const again = parse(
      [bytes.subarray(0, cut), bytes.subarray(cut)].filter((part) => part.length > 0),
      true,
      { method },
    )
    const theirs = parseWithLlhttp(bytes, method)
    if (ours.complete !== again.complete || (ours.complete && JSON.stringify(ours) !== JSON.stringify(again))) {
      found.differences.push({ answer, method, ours, theirs: again })
    } else if (ours.complete !== theirs.complete || (ours.complete && !same(ours, theirs))) {
      const reason = argumentFor(answer, ours, theirs)
      if (reason) found.argued[reason] = (found.argued[reason] ?? 0) + 1
      else found.differences.push({ answer, method, ours, theirs })
    } else {
      found.agreed += 1
      if (ours.complete) found.read += 1
    }
  }
  return found
}

type Ours = ReturnType<typeof parse>
type Theirs = ReturnType<typeof parseWithLlhttp>

function same(ours: Ours, theirs: Theirs): boolean {
  return ours.status === theirs.status && ours.body === theirs.body && fieldsOf(ours.fields) === fieldsOf(theirs.fields)
}

/** Blanks around values are read away by both, but not at the same ends; lengths are ours to write. */
function fieldsOf(fields: readonly string[] = []): string {
  const kept: string[] = []
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]?.toLowerCase()
    const value = fields[i + 1]?.replace(/^[ \t]+|[ \t]+$/g, '')
    if (name !== 'content-length') kept.push(`${name}:${value}`)
  }
  return kept.join('\n')
}

/** The reason in ADR 14 for which we refuse what llhttp reads, read what it refuses, or read it otherwise. */
function argumentFor(answer: string, ours: Ours, theirs: Theirs): string | undefined {
  // llhttp takes it for another coding, and reads up to the end of the connection.
  if (theirs.complete && /transfer-encoding:[ \t]*chunked *\t/i.test(answer)) return 'a tab behind chunked'
  if (ours.complete && theirs.complete) return undefined
  return ours.complete ? whyWeRead(answer, theirs) : whyWeRefuse(answer, ours, theirs)
}

function whyWeRead(answer: string, { error = '' }: Theirs): string | undefined {
  switch (error) {
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_CONTENT_LENGTH':
      // That they are equal is what we have checked; behind a body it frames nothing.
      if (/^0+[^\n]*\r\n(?:[^\n]+\n)*content-length:/im.test(answer)) return 'a Content-Length among trailers'
      return /content-length:[^\n]*(?:,|\n(?:[\s\S]*\n)?content-length:)/i.test(answer)
        ? 'a Content-Length twice'
        : undefined
    case 'HPE_CLOSED_CONNECTION':
      return /HTTP\/1\.0 1\d\d|1\d\d[\s\S]*connection:[^\n]*close/i.test(answer)
        ? 'an interim answer that closes'
        : undefined
    case 'HPE_INVALID_CHUNK_SIZE':
    case 'HPE_STRICT':
      return /\n[0-9a-f]+[ \t;]/i.test(answer) ? 'blanks or an odd extension behind a chunk size' : undefined
    default:
      return undefined
  }
}

function whyWeRefuse(answer: string, { error = '' }: Ours, { version }: Theirs): string | undefined {
  if (/unknown Transfer-Encoding/.test(error)) return 'a coding that we cannot undo'
  const beforeStatus = /(?:^|\r\n\r\n)[\r\n]+(?:HTTP|RTSP)/
  if (/begins with/.test(error)) {
    if ((version !== '1.0' && version !== '1.1') || answer.includes('RTSP')) return 'another protocol or version'
    return beforeStatus.test(answer) ? 'an empty line before the status line' : undefined
  }
  if (/control character in its head/.test(error)) {
    if (beforeStatus.test(answer)) return 'an empty line before the status line'
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    return /HTTP\/1\.[01] \d{3}[^\r\n]*[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(answer)
      ? 'a control in the reason'
      : undefined
  }
  return undefined
}
