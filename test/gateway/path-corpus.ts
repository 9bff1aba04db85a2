/**
 * Ways to write a path, honest and otherwise. For each: the path that files are found by and upstreams are asked for,
 * by one route for `/private/*` and one for all others, or that the request is refused; and the file it means in the
 * folder that the tests build.
 */
export interface PathRow {
  readonly target: string
  /** Absent: refused with 400 (over h2 a reset of the stream says the same). */
  readonly path?: string
  /** As the log has it: normalized as RFC 3986 says. Absent: like `path`. */
  readonly logged?: string
  /** What is in the file that is served; absent: 404. */
  readonly file?: string
  /** Node's parser for h1 refuses it (RFC 3986 has no such byte); over h2 it arrives. */
  readonly onlyOverH2?: true
}

/**
 * Below the root. `.hidden` and what is in `.git` is there and must never be shown; neither must `outside.txt` above
 * it.
 */
export const corpusFiles: Readonly<Record<string, string>> = {
  'index.html': 'INDEX',
  'public/file.txt': 'PUBLIC',
  'private/file.txt': 'PRIVATE',
  'private/index.html': 'PRIVATE INDEX',
  'a b.txt': 'SPACE',
  'é.txt': 'ACCENT',
  '%2e%2e/file.txt': 'ESCAPED NAME',
  '...': 'THREE DOTS',
  '.hidden': 'HIDDEN',
  '.git/config': 'HIDDEN',
  'public/.hidden': 'HIDDEN',
  '.well-known/security.txt': 'WELL KNOWN',
}

const row = (target: string, path?: string, file?: string): PathRow => {
  return { target, ...(path !== undefined && { path }), ...(file !== undefined && { file }) }
}

/** One whose reading decides about the route: it is forwarded in canonical form. */
const seenThrough = (target: string, logged: string, path: string, file?: string): PathRow => {
  return { ...row(target, path, file), logged }
}

export const pathCorpus: readonly PathRow[] = [
  // As everyone writes them.
  row('/', '/', 'INDEX'),
  row('/index.html', '/index.html', 'INDEX'),
  row('/public/file.txt', '/public/file.txt', 'PUBLIC'),
  row('/private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/', '/private/', 'PRIVATE INDEX'),
  row('/public/file.txt?a=/../b', '/public/file.txt', 'PUBLIC'),
  row('/a%20b.txt', '/a%20b.txt', 'SPACE'),
  row('/%C3%A9.txt', '/%C3%A9.txt', 'ACCENT'),
  row('/%c3%a9.txt', '/%C3%A9.txt', 'ACCENT'),
  // Escapes of what needs none: one path for every parser.
  row('/%70rivate/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/p%72ivate/%66ile.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/file%2Etxt', '/private/file.txt', 'PRIVATE'),
  row('/%50ublic/file.txt', '/Public/file.txt'),
  row('/PRIVATE/file.txt', '/PRIVATE/file.txt'),
  // Dot segments inside the root.
  row('/./private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/public/../private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/public/%2e%2e/private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/public/.%2E/private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/public/%2E./private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/../public/file.txt', '/public/file.txt', 'PUBLIC'),
  row('/private/./file.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/x/../file.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/.', '/private/', 'PRIVATE INDEX'),
  row('/private/public/..', '/private/', 'PRIVATE INDEX'),
  row('/private/file.txt/..', '/private/', 'PRIVATE INDEX'),
  row('/public/..', '/', 'INDEX'),
  // Above the root.
  row('/..'),
  row('/../'),
  row('/../outside.txt'),
  row('/../../../../etc/passwd'),
  row('/%2e%2e/outside.txt'),
  row('/%2E%2E/outside.txt'),
  row('/.%2e/outside.txt'),
  row('/%2e./outside.txt'),
  row('/public/../../outside.txt'),
  row('/public/%2e%2e/%2e%2e/outside.txt'),
  row('/./../outside.txt'),
  row('/private/../../private/file.txt'),
  // More dots, or dots with something to them, are names.
  row('/...', '/...'),
  row('/.../outside.txt', '/.../outside.txt'),
  row('/..a/outside.txt', '/..a/outside.txt'),
  row('/.hidden', '/.hidden'),
  row('/%2ehidden', '/.hidden'),
  row('/%2Egit/config', '/.git/config'),
  row('/public/.hidden', '/public/.hidden'),
  row('/public/%2ehidden', '/public/.hidden'),
  row('/public/../.hidden', '/.hidden'),
  row('/.well-known/security.txt', '/.well-known/security.txt', 'WELL KNOWN'),
  row('/%2ewell-known/security.txt', '/.well-known/security.txt', 'WELL KNOWN'),
  row('/.well-known/../.hidden', '/.hidden'),
  seenThrough('/.well-known/..%2f.hidden', '/.well-known/..%2F.hidden', '/.hidden'),
  // Parameters, which Tomcat drops before it looks at the dots; blanks, which Windows drops.
  row('/..;/outside.txt'),
  row('/..;a=b/outside.txt'),
  row('/..%20/outside.txt'),
  row('/..%09/outside.txt'),
  row('/..%0d%0a/outside.txt'),
  seenThrough('/public/..;/private/file.txt', '/public/..;/private/file.txt', '/private/file.txt', 'PRIVATE'),
  seenThrough('/public/.;/file.txt', '/public/.;/file.txt', '/public/file.txt', 'PUBLIC'),
  seenThrough('/private;a=b/file.txt', '/private;a=b/file.txt', '/private/file.txt', 'PRIVATE'),
  seenThrough('/;a/private/file.txt', '/;a/private/file.txt', '/private/file.txt', 'PRIVATE'),
  seenThrough('/private./file.txt', '/private./file.txt', '/private/file.txt', 'PRIVATE'),
  seenThrough('/private%20/file.txt', '/private%20/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/file.txt;jsessionid=1', '/private/file.txt;jsessionid=1'),
  // Where an escaped slash makes no difference for the route, it may be part of a name for an upstream.
  row('/..%2foutside.txt'),
  row('/%2e%2e%2foutside.txt'),
  row('/public%2ffile.txt', '/public%2Ffile.txt'),
  seenThrough('/public/..%2fprivate/file.txt', '/public/..%2Fprivate/file.txt', '/private/file.txt', 'PRIVATE'),
  seenThrough('/private%2ffile.txt', '/private%2Ffile.txt', '/private/file.txt', 'PRIVATE'),
  row('/private/x%2ffile.txt', '/private/x%2Ffile.txt'),
  row('/public/..%2F..%2Foutside.txt'),
  seenThrough('/%2fprivate/file.txt', '/%2Fprivate/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/%2f%2e%2e%2foutside.txt'),
  // So is an escaped backslash; a raw one is in no path.
  row('/..%5coutside.txt'),
  seenThrough('/public/..%5cprivate%5cfile.txt', '/public/..%5Cprivate%5Cfile.txt', '/private/file.txt', 'PRIVATE'),
  row('/%5c..%5coutside.txt'),
  row('/..\\outside.txt'),
  row('/public\\..\\private\\file.txt'),
  row('\\..\\outside.txt'),
  // Delimiters mean nothing in a path.
  row('/public%21/file.txt', '/public%21/file.txt'),
  // What is escaped twice is decoded once.
  row('/%252e%252e/outside.txt', '/%252e%252e/outside.txt'),
  row('/%252e%252e/file.txt', '/%252e%252e/file.txt', 'ESCAPED NAME'),
  row('/%252e%252e%252foutside.txt', '/%252e%252e%252foutside.txt'),
  row('/public/%252e%252e/private/file.txt', '/public/%252e%252e/private/file.txt'),
  row('/%25%32%65%25%32%65/outside.txt', '/%252e%252e/outside.txt'),
  row('/%%32%65%%32%65/outside.txt'),
  // Overlong and other bytes that are no UTF-8.
  row('/%c0%ae%c0%ae/outside.txt', '/%C0%AE%C0%AE/outside.txt'),
  row('/..%c0%afoutside.txt', '/..%C0%AFoutside.txt'),
  row('/%e0%80%ae%e0%80%ae/outside.txt', '/%E0%80%AE%E0%80%AE/outside.txt'),
  row('/%ff', '/%FF'),
  row('/%ef%bc%8e%ef%bc%8e/outside.txt', '/%EF%BC%8E%EF%BC%8E/outside.txt'),
  row('/%u002e%u002e/outside.txt'),
  { target: '/\xc3\xa9.txt', path: '/%C3%A9.txt', file: 'ACCENT', onlyOverH2: true },
  // Slashes in a row are no matter to routes and files; an upstream may see a meaning, but for the first: a host.
  row('//', '/', 'INDEX'),
  row('//private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/private//file.txt', '/private//file.txt', 'PRIVATE'),
  row('///etc/passwd', '/etc/passwd'),
  row('//outside.example/file.txt', '/outside.example/file.txt'),
  row('/.//private/file.txt', '/private/file.txt', 'PRIVATE'),
  row('/public//../private/file.txt', '/public/private/file.txt'),
  row('/public/file.txt/', '/public/file.txt/'),
  row('/public/file.txt//', '/public/file.txt//'),
  // Control bytes and broken escapes.
  row('/public/file.txt%00'),
  row('/private%00/../public/file.txt'),
  row('/%00'),
  row('/public/file.txt%0'),
  row('/public/file.txt%'),
  row('/public/%zz'),
  row('/public/file.txt#fragment'),
  row('/public/file.txt%0a', '/public/file.txt%0A'),
  row('/public/file.txt%20', '/public/file.txt%20'),
  row('/public/file.txt::$DATA', '/public/file.txt::$DATA'),
  row('/public/file.txt.', '/public/file.txt.'),
  row('/public/file.txt;.html', '/public/file.txt;.html'),
  row('/~root/.hidden', '/~root/.hidden'),
  // Not in origin form.
  row('public/file.txt'),
  row('*'),
]
