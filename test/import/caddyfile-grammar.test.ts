/** The grammar of Caddyfiles: words, blocks, snippets; and what cannot be read, with its place. */
import { matchesGlob } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readCaddyfile } from '../../src/import/caddy/read-caddyfile.ts'
import { tokensOf } from '../../src/import/caddy/syntax/tokens.ts'
import type { Value } from '../../src/import/reading.ts'

function words(text: string): string[] {
  return tokensOf('Caddyfile', text).map((token) => token.text)
}

function read(
  text: string,
  { files = {}, environment = {} }: { files?: Record<string, string>; environment?: Record<string, string> } = {},
) {
  return readCaddyfile({ file: 'Caddyfile', text, ...folderOf(files), environment })
}

function folderOf(files: Readonly<Record<string, string>>) {
  const glob = (pattern: string) => Object.keys(files).filter((path) => matchesGlob(path, pattern))
  return { readFile: (path: string) => files[path], glob }
}

function findings(text: string): string[] {
  return read(text).findings.map(({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`)
}

function routes(text: string, given: Parameters<typeof read>[1] = {}): Value | undefined {
  return read(text, given).config.gateway?.routes
}

describe('words', () => {
  it.each([
    ['a  b\tc', ['a', 'b', 'c']],
    ['"a b" c"d', ['a b', 'c"d']],
    ['"say \\"yes\\" \\n"', ['say "yes" \\n']],
    ['`a "b" \\`', ['a "b" \\']],
    ['a#b # a comment\nc', ['a#b', 'c']],
    ['a \\\n  b', ['a', 'b']],
    ['a\r\nb', ['a', 'b']],
    ['\uFEFFa', ['a']],
    ['"two\nlines"', ['two\nlines']],
    ['{$NAME:with space} x', ['{$NAME:with space}', 'x']],
    ['{$OPEN x', ['{$OPEN', 'x']],
    ['a <<END\n  one\n    two\n  END\nb', ['a', 'one\n  two', 'b']],
    ['a << b', ['a', '<<', 'b']],
    ['', []],
  ])('%j', (text, expected) => expect(words(text)).toEqual(expected))

  it('know where they stand, and which begin a line', () => {
    const tokens = tokensOf('f', 'a "b\nc" d \\\n e\n\n  f')
    expect(tokens.map(({ text, at, first }) => [text, at.line, at.column, first])).toEqual([
      ['a', 1, 1, true],
      ['b\nc', 1, 3, false],
      ['d', 2, 4, false],
      ['e', 3, 2, false],
      ['f', 5, 3, true],
    ])
  })
})

describe('what cannot be read is reported with its place', () => {
  it.each([
    [':80 {\n\theader X "never closed\n}', '2:11 untranslated this quote (") is never closed'],
    [':80 {\n\troot * /srv', '1:5 untranslated this brace is never closed'],
    [':80 {\n}\n}', '3:1 untranslated this brace closes nothing'],
    [':80 {\n\t{\n\t}\n}', '2:2 untranslated a block needs a directive in front of it, on the same line'],
    [':80 {\n\theader X <<END\n\tx\n}', '2:11 untranslated this heredoc is never closed by END'],
    [':80 {\n\timport gone\n}', '2:9 untranslated there is neither a snippet nor a file gone'],
    ['(a) {\n\timport a\n}\n:80 {\n\timport a\n}', '2:2 untranslated imports are nested more than 20 deep'],
    [':80 {\n}\n{\n\tdebug\n}', '3:1 untranslated a block without an address must be the first in the file'],
  ])('%j', (text, expected) => {
    const { config, findings: found } = read(text)
    expect(found.map(({ line, column, severity, message }) => `${line}:${column} ${severity} ${message}`)).toEqual([
      expected,
    ])
    expect(config).toEqual({})
  })
})

describe('snippets and files', () => {
  it('are put in with their arguments', () => {
    const text = '(to) {\n\treverse_proxy {args[1]}:{args.0}\n}\n:80 {\n\timport to 9000 one\n}'
    expect(routes(text)).toEqual([{ to: 'http://one:9000' }])
  })

  it('can take all arguments at once', () => {
    const text = '(to) {\n\treverse_proxy {args[:]}\n}\n:80 {\n\timport to a:1 b:2\n}'
    expect(read(text).config.upstreams).toEqual({ upstream: { targets: ['http://a:1', 'http://b:2'] } })
  })

  it('files of a pattern, and those that they import beside them', () => {
    const files = {
      'sites/a.conf': 'import parts/x\n',
      'sites/b.conf': 'header B b\n',
      'sites/parts/x': 'header A a\n',
    }
    const { gateway } = read(':80 {\n\timport sites/*.conf\n\timport none/*\n\treverse_proxy a:1\n}', { files }).config
    expect(gateway?.response).toEqual({ headers: { A: 'a', B: 'b' } })
  })

  it('an imported file reports its own lines', () => {
    const { findings: found } = read(':80 {\n\timport more.conf\n}', { files: { 'more.conf': '\ntemplates\n' } })
    expect(found).toContainEqual(
      expect.objectContaining({ file: 'more.conf', line: 2, column: 1, severity: 'untranslated' }),
    )
  })
})

describe('addresses', () => {
  const listeners = (address: string, environment = {}) =>
    read(`${address} {\n\treverse_proxy localhost:1\n}`, { environment }).config.gateway?.listeners

  it.each([
    [':80', { http: { address: ':80' } }],
    [':{$PORT:8080}', { http: { address: ':${PORT:-8080}' } }],
    ['http://', { http: { address: ':80' } }],
    ['http://a.test:81', { 'http-81': { address: ':81' } }],
    ['a.test', { https: { address: ':443', tls: true }, http: { address: ':80' } }],
    ['{$HOST}', { https: { address: ':443', tls: true }, http: { address: ':80' } }],
    ['a.test:8443', { 'https-8443': { address: ':8443', tls: true }, http: { address: ':80' } }],
    ['https://', { https: { address: ':443', tls: true } }],
  ])('%s', (address, expected) => expect(listeners(address)).toEqual(expected))

  it('a variable that holds a whole address is put in, and reported', () => {
    const text = '{$SITE} {\n\treverse_proxy localhost:1\n}'
    const { config, findings: found } = read(text, { environment: { SITE: 'http://x.test:81' } })
    expect(config.gateway?.listeners).toEqual({ 'http-81': { address: ':81' } })
    expect(found).toContainEqual(expect.objectContaining({ line: 1, column: 1, severity: 'changed' }))
  })

  it('several of one site share its routes', () => {
    const text = 'http://a.test,\nhttp://b.test {\n\treverse_proxy localhost:1\n}'
    expect(routes(text)).toEqual([{ host: ['a.test', 'b.test'], to: 'http://localhost:1' }])
  })
})

describe('what is not translated', () => {
  it.each([
    ['php_fastcgi unix//run/php.sock', /^2:2 untranslated `php_fastcgi unix/],
    ['templates', /^2:2 untranslated `templates`: `files.render`/],
    ['nonsense x', /^2:2 untranslated `nonsense x`: unknown directive/],
    ['header ?X y', /^2:9 untranslated `\?X`/],
    ['redir /a /b 418', /^2:14 untranslated `redir 418`/],
    ['redir /a b', /^2:11 untranslated `redir b`: a redirect leads to a path/],
    ['uri replace a b', /^2:6 untranslated `uri replace`/],
    ['rewrite * /x?y=1', /^2:12 untranslated `\/x\?y=1`: the query stays/],
    ['reverse_proxy unix//x unix//y', /^2:2 untranslated `reverse_proxy`: a Unix socket must be the only target/],
    ['reverse_proxy unix+h2c//x', /^2:16 untranslated `unix\+h2c\/\/x`/],
    ['reverse_proxy {header.X}', /^2:16 untranslated `\{header.X\}`: this is known only per request/],
    ['respond 103', /^2:2 untranslated `respond 103`: a response has a status of 200 or more/],
    ['@x vars {a} b\n\theader @x X y', /^3:2 untranslated `header`: .* \(@x, line 2\); it is left out/],
    ['file_server browse', /^2:14 untranslated `file_server browse`/],
    ['tls {\n\t\ton_demand\n\t}', /^3:3 untranslated `on_demand`/],
    ['log {\n\t\toutput file x\n\t}', /^3:3 untranslated `output`/],
  ])('%s', (line, expected) => {
    expect(findings(`:80 {\n\t${line}\n}`)).toContainEqual(expect.stringMatching(expected))
  })
})

describe('what is guarded stays guarded', () => {
  it('a password that would be asked for by a matcher we do not have is asked for everywhere', () => {
    const text = ':80 {\n\t@q query x=1\n\tbasic_auth @q {\n\t\tann $2a$14$x\n\t}\n\treverse_proxy localhost:1\n}'
    expect(routes(text)).toEqual([{ auth: { basic: 'ann' }, to: 'http://localhost:1' }])
  })

  it('a service that cannot be asked rejects all requests', () => {
    const text = ':80 {\n\tforward_auth unix//x {\n\t\turi /\n\t}\n\treverse_proxy localhost:1\n}'
    expect(routes(text)).toEqual([{ deny: ['0.0.0.0/0', '::/0'], to: 'http://localhost:1' }])
  })

  it('so does a plugin that we do not know and that has to do with it', () => {
    const text =
      '{\n\torder authorize before reverse_proxy\n}\n:80 {\n\tauthorize /ops/* with policy\n\treverse_proxy localhost:1\n}'
    expect(routes(text)).toEqual([
      { path: '/ops/*', deny: ['0.0.0.0/0', '::/0'], to: 'http://localhost:1' },
      { to: 'http://localhost:1' },
    ])
  })

  it('what is for some addresses only is never for all, but for what guards', () => {
    const office = '\t@office remote_ip 10.0.0.0/8\n\t@others not remote_ip 10.0.0.0/8\n'
    const text = `:80 {\n${office}\trequest_header @office X-Admin yes\n\treverse_proxy localhost:1\n}`
    expect(routes(text)).toEqual([{ to: 'http://localhost:1' }])
    const guarded = `:80 {\n${office}\tbasic_auth @others {\n\t\tann $2a$14$x\n\t}\n\treverse_proxy localhost:1\n}`
    expect(routes(guarded)).toEqual([{ auth: { basic: 'ann' }, to: 'http://localhost:1' }])
    const denied = `:80 {\n${office}\troute {\n\t\tabort @others\n\t\treverse_proxy localhost:1\n\t}\n}`
    expect(routes(denied)).toEqual([{ allow: ['10.0.0.0/8'], to: 'http://localhost:1' }])
  })

  it('a program on a Unix socket is asked there', () => {
    expect(routes(':80 {\n\treverse_proxy unix//run/app.sock\n}')).toEqual([{ to: 'unix:/run/app.sock' }])
  })

  it('a fixed response has its status and its text', () => {
    const text =
      ':80 {\n\trespond /.git/* 404\n\trespond /x "Please go" 403\n\trespond /gone 204 {\n\t\tbody no\n\t}\n\trespond /health OK\n\treverse_proxy localhost:1\n}'
    expect(routes(text)).toEqual(
      expect.arrayContaining([
        { path: '/.git/*', respond: { status: 404 } },
        { path: '/x', respond: { status: 403, body: 'Please go' } },
        { path: '/gone', respond: { status: 204 } },
        { path: '/health', respond: { body: 'OK' } },
        { to: 'http://localhost:1' },
      ]),
    )
    expect(findings(text).filter((one) => one.includes('respond'))).toEqual([])
  })

  it('a path and an ending that meet are guarded together', () => {
    const text =
      ':80 {\n\t@js path *.js\n\theader @js Cache-Control x\n\tbasic_auth /ops/* {\n\t\tann $2a$14$x\n\t}\n\treverse_proxy localhost:1\n}'
    expect(routes(text)).toMatchObject([{ path: '/ops/*', auth: { basic: 'ann' } }, { path: '*.js' }, {}])
  })

  it('secrets of the file are in no finding', () => {
    const text =
      '{\n\tacme_eab {\n\t\tkey_id k\n\t\tmac_key s3cr3t\n\t}\n}\na.test {\n\tbasic_auth {\n\t\tann $2a$14$s3cr3t\n\t}\n}'
    expect(JSON.stringify(read(text))).not.toContain('s3cr3t')
  })
})
