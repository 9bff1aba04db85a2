/** Scalars that change the path of a request. */
import { readWrittenPath } from '../../../shared/net/canonical-path.ts'
import { Flaw } from '../flaw.ts'
import { scalar } from '../scalars.ts'

// The characters of a path that mean the same to every reader (RFC 3986 §3.3); an escape has two forms, so none here.
const plain = /^(\/[A-Za-z0-9\-._~!$&'()*+,;=:@]*)+$/
const climbs = /\/\.{1,2}(\/|$)/

function flawOf(path: string): Flaw | undefined {
  if (!path.startsWith('/')) return new Flaw('does not begin with `/`', 'a path begins with `/`')
  if (/[?#]/.test(path)) return new Flaw('has a query or a fragment', 'leave it out: the query stays as it came')
  if (!plain.test(path))
    return new Flaw('has characters that a path cannot hold', "letters, digits and `-._~!$&'()*+,;=:@` can")
  if (climbs.test(path)) return new Flaw('has `.` or `..` for a segment', 'write the path that it leads to')
  return undefined
}

/** What a request's path is compared with must be written as paths are compared (docs/adr/0013-paths.md). */
function comparedFlawOf(path: string): Flaw | undefined {
  const written = readWrittenPath(path)
  return (
    flawOf(path) ??
    (written && written.spelling === written.canonical && path === written.spelling
      ? undefined
      : new Flaw(
          'is not as paths are compared: without empty segments, `;`, `*`, and dots at the end of a name',
          'write it in that form',
        ))
  )
}

export const pathPrefix = scalar({
  expected: 'the beginning of a path, such as `/old`',
  read(written) {
    if (/^\/*$/.test(written))
      return new Flaw('would leave every path as it is', 'name the segment to take away: `/old`')
    const bare = written.replace(/\/+$/, '')
    return comparedFlawOf(bare) ?? bare
  },
})

export const exactPath = scalar({
  expected: 'a path such as `/healthz`',
  read: (written) => comparedFlawOf(written) ?? written,
})

export const pathTemplate = scalar({
  expected: 'a path such as `/new{path}`',
  read(written) {
    const [, name] = /\{(?!path\})([^}]*)\}/.exec(written) ?? []
    if (name !== undefined) return new Flaw('has a placeholder that is not known', 'known here: `{path}`')
    return flawOf(written.replaceAll('{path}', '/x')) ?? written
  },
})
