/** Scalars that change the path of a request. */
import { readWrittenPath } from '../../../shared/net/canonical-path.ts'
import { InvalidValue } from '../invalid-value.ts'
import { scalar } from '../scalars.ts'

// The characters that every reader of a path treats alike (RFC 3986 §3.3); escapes have two forms and are not among
// them.
const plain = /^(\/[A-Za-z0-9\-._~!$&'()*+,;=:@]*)+$/
const dotSegments = /\/\.{1,2}(\/|$)/

function invalidPath(path: string): InvalidValue | undefined {
  if (!path.startsWith('/')) return new InvalidValue('does not begin with `/`', 'a path begins with `/`')
  if (/[?#]/.test(path)) return new InvalidValue('has a query or a fragment', 'leave it out: the query is kept')
  if (!plain.test(path))
    return new InvalidValue(
      'has characters that are not allowed in a path',
      "use letters, digits and `-._~!$&'()*+,;=:@`",
    )
  if (dotSegments.test(path)) return new InvalidValue('has a `.` or `..` segment', 'write the path it resolves to')
  return undefined
}

/** A path that requests are compared with must be in canonical form (docs/adr/0013-paths.md). */
function invalidComparedPath(path: string): InvalidValue | undefined {
  const written = readWrittenPath(path)
  return (
    invalidPath(path) ??
    (written && written.spelling === written.canonical && path === written.spelling
      ? undefined
      : new InvalidValue(
          'is not in canonical form: paths have no empty segments, `;`, `*`, or dots at the end of a name',
          'write it in that form',
        ))
  )
}

export const pathPrefix = scalar({
  expected: 'the beginning of a path, such as `/old`',
  read(written) {
    if (/^\/*$/.test(written)) return new InvalidValue('would remove nothing', 'name the prefix to remove: `/old`')
    const bare = written.replace(/\/+$/, '')
    return invalidComparedPath(bare) ?? bare
  },
})

export const exactPath = scalar({
  expected: 'a path such as `/healthz`',
  read: (written) => invalidComparedPath(written) ?? written,
})

export const pathTemplate = scalar({
  expected: 'a path such as `/new{path}`',
  read(written) {
    const [, name] = /\{(?!path\})([^}]*)\}/.exec(written) ?? []
    if (name !== undefined)
      return new InvalidValue('has an unknown placeholder', 'the only one allowed here is `{path}`')
    return invalidPath(written.replaceAll('{path}', '/x')) ?? written
  },
})
