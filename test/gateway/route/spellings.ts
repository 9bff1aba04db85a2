/**
 * Ways to ask for what is guarded, such that one of the readers of readers.ts may find it. Each is tried with each of
 * them, and with each guard: none may be answered with a secret to somebody without a password.
 */

/** What lies below the root of every reader. */
export const siteFiles: Readonly<Record<string, string>> = {
  'index.html': 'INDEX',
  'public/file.txt': 'PUBLIC',
  'secret/key.txt': 'TOPSECRET',
  'secret/index.html': 'TOPSECRET',
  'privé/key.txt': 'TOPSECRET',
  '@team/key.txt': 'TOPSECRET',
  'a!b+c/key.txt': 'TOPSECRET',
  'data.key': 'TOPSECRET',
  'exact/key.txt': 'TOPSECRET',
  // Folders, for readers that let the file system resolve the dots.
  'x/y/z.txt': 'Z',
}

/** Of the guarded routes. */
export const guardedPatterns: readonly string[] = [
  '/secret/*',
  '/priv%C3%A9/*',
  '/@team/*',
  '/a!b+c/*',
  '*.key',
  '/exact/key.txt',
]

/** In front of `secret/key.txt`. */
const leads = [
  ...[
    '/',
    '//',
    '///',
    '/./',
    '/%2e/',
    '/.//',
    '//./',
    '/x/../',
    '/x/%2e%2e/',
    '/x/.%2E/',
    '/x/..//',
    '/x//../',
    '/x/y/../../',
  ],
  ...[
    '/%2f',
    '/%2F%2f',
    '/%5c',
    '/%5C/',
    '/.%2f',
    '/.%5c',
    '/%2e%2f',
    '/x%2f..%2f',
    '/x/..%2f',
    '/x%2f../',
    '/x/%2e%2e%2f',
  ],
  ...[
    '/x%5c..%5c',
    '/x/..%5c',
    '/x%5c../',
    '/x%2fy%2f..%2f..%2f',
    '/x%2f%2f..%2f',
    '/x%2f%2f..%2f..%2f',
    '/x%2f.%2f..%2f',
  ],
  ...[
    '/;/',
    '/;a=b/',
    '/x;/../',
    '/x/..;/',
    '/x/..;a=b/',
    '/x/.;/..;/',
    '/x%2f..;/',
    '/;%2f',
    '/x;%2f..%2f',
    '/x/..%3b/',
  ],
  ...[
    '//x/',
    '//host/',
    '//host:80/',
    '//user@host/',
    '/.//host/',
    '/x/..//host/',
    '///host/',
    '/%2f/host/',
    '//host%2f',
    '/%2fhost/',
  ],
  ...[
    '/public/../',
    '/public/..%2f',
    '/public%2f..%2f',
    '/public/..;/',
    '/public//..%2f',
    '/public%2f%2f..%2f..%2f',
    '/public/%2e%2e;/',
  ],
  ...[
    '/public/x/..%5c..%5c',
    '/PUBLIC/..%2f',
    '/public/..%20/',
    '/x/..%09/',
    '/x/..%00/',
    '/x/.../',
    '/%252e%252e/',
    '/x%252f..%252f',
  ],
  ...[
    '/index.html/../',
    '/index.html%2f..%2f',
    '/public/file.txt/..%2f..%2f',
    '/%c0%ae%c0%ae/',
    '/x/..%c0%af',
    '/x/%uff0e%uff0e/',
  ],
]

const names = [
  ...[
    'SECRET',
    'Secret',
    '%73ecret',
    's%65cret',
    '%53ECRET',
    'secre%74',
    'secret;',
    'secret;a',
    'secret;jsessionid=1',
    'secret;a=b;c=d',
  ],
  ...[
    'secret.',
    'secret..',
    'secret%2e',
    'secret%20',
    'secret%09',
    'secret%00',
    'secret%0a',
    '%20secret',
    'secret;%20',
    '%2573ecret',
  ],
  ...[
    '%C5%BFecret',
    'secret%ef%bc%8f',
    'secret%3b',
    'secret%3Ba=b',
    'secret%7f',
    'secret:',
    'secret~',
    'secret;/x;/..',
  ],
]

/** Parameters with slashes in them, which some drop and some look into; dots that only some see. */
const mixed = [
  ...[
    '/secret;%2f..%2fx/key.txt',
    '/secret;%2f/key.txt',
    '/;%2fsecret/key.txt',
    '/;x%2f..%2fsecret/key.txt',
    '/a;%2f..%2f..%2fsecret/key.txt',
  ],
  ...[
    '/x;%2f../secret/key.txt',
    '/x;/..%2fsecret/key.txt',
    '/%2e;/secret/key.txt',
    '/x/%2e%2e;x/secret/key.txt',
    '/x/.%2e;x=%2f/secret/key.txt',
  ],
  ...[
    '/x%2fy%2f../../secret/key.txt',
    '/x%2fy/../secret/key.txt',
    '/secret%2fx%2f%2f..%2f..%2fkey.txt',
    '/secret/x%2f..%2f..%2fsecret%2fkey.txt',
  ],
  ...[
    '/public;%2f..%2fdata.key',
    '/public;%5c..%5cdata.key',
    '/PUBLIC;x/..%2fsecret;y/key.txt',
    '/public/x;.css/..;/..;/secret/key.txt',
  ],
  ...[
    '/secret/key.txt;/x.css',
    '/secret/key.txt%2fx.css%2f..',
    '/secret/x.css/..%2fkey.txt',
    '/secret/x.css%2f..%2fkey.txt;y.css',
    '/.../secret/key.txt',
  ],
  ...[
    '/%5c%5chost/secret/key.txt',
    '/%5c/host/secret/key.txt',
    '/x/.%5c..%2fsecret/key.txt',
    '/data.key%2f.',
    '/data.key;/x',
    '/x/..;/data.key;.css',
  ],
]

/** Between `secret` and `key.txt`. */
const middles = [
  ...[
    '//',
    '///',
    '/./',
    '/%2e/',
    '%2f',
    '%2F',
    '%5c',
    '%2f%2f',
    '/%2f',
    '%2f/',
    '%5c/',
    '/.%2f',
    '/x/../',
    '/x%2f..%2f',
    '/x/..%2f',
  ],
  ...[
    '/;/',
    ';/',
    ';a/',
    ';%2f',
    '/.;/',
    '/x/..;/',
    '/..;/secret/',
    '%2f..%2fsecret%2f',
    '%2fx%2f..%2f',
    '%5cx%5c..%5c',
    '/..%2fsecret/',
  ],
]

const tails = [
  ...[
    'KEY.TXT',
    '%6bey.txt',
    'key%2etxt',
    'key.txt;a=b',
    'key.txt;',
    'key.txt/',
    'key.txt//',
    'key.txt%20',
    'key.txt.',
    'key.txt?',
    'key.txt?/public/',
  ],
  ...[
    'key.txt/.',
    'key.txt/x/..',
    'key.txt%2f',
    'key.txt%5c',
    'key.txt/..;/key.txt',
    'key.txt%00.css',
    'key.txt;.css',
    'key.txt%3f.css',
    '',
    '.',
    ';',
  ],
]

/** Of the other guarded files. */
const others = [
  ...[
    '/priv%C3%A9/key.txt',
    '/priv%c3%a9/key.txt',
    '/PRIV%C3%89/key.txt',
    '//priv%C3%A9/key.txt',
    '/x/..%2fpriv%C3%A9%2fkey.txt',
    '/priv%C3%A9;a/key.txt',
  ],
  ...[
    '/%40team/key.txt',
    '/@team/key.txt',
    '/%40TEAM%2fkey.txt',
    '//@team/key.txt',
    '/x/..;/%40team/key.txt',
    '/%40team;/key.txt',
  ],
  ...['/a%21b%2bc/key.txt', '/a!b+c/key.txt', '/a%21b+c%2fkey.txt', '/A!B%2BC/key.txt', '//a!b%2Bc/key.txt'],
  ...[
    '/data.key',
    '/data%2ekey',
    '/data.KEY',
    '/data.%6bey',
    '//data.key',
    '/data.key/',
    '/data.key;a',
    '/data.key;.txt',
    '/x/..%2fdata.key',
    '/data.key%2f',
  ],
  ...[
    '/exact/key.txt',
    '/exact//key.txt',
    '/exact%2fkey.txt',
    '/exact/key.txt/',
    '/EXACT/key.txt',
    '/exact/key.txt;',
    '/exact/./key.txt',
    '/exact/key.txt%2f',
  ],
  ...['/secret', '/SECRET', '/secret;', '//secret', '/secret?', '/x/..%2fsecret', '/secret%2f', '/secret%5c'],
]

export const spellings: readonly string[] = [
  ...new Set([
    ...leads.map((lead) => `${lead}secret/key.txt`),
    ...names.map((name) => `/${name}/key.txt`),
    ...middles.map((middle) => `/secret${middle}key.txt`),
    ...tails.map((tail) => `/secret/${tail}`),
    ...others,
    ...mixed,
    // Several at once.
    ...['//', '/x%2f..%2f', '/x/..;/', '//host/', '/%5c'].flatMap((lead) =>
      ['SECRET%2f', 'secret;a//', '%73ecret/./', 'secret%5C', 'secret./'].map((rest) => `${lead}${rest}key.txt`),
    ),
  ]),
]
