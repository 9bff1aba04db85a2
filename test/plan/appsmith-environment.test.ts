/** Each row of the reference deployment's environment can be said in a config file, and means the same. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-appsmith-'))
  copyFileSync(join(import.meta.dirname, 'appsmith-environment.yaml'), join(folder, 'gatehouse.yaml'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function backend(own: Record<string, string>) {
  const { plan, diagnostics } = readPlan(join(folder, 'gatehouse.yaml'), own)
  expect(diagnostics).toEqual([])
  const { environment = {}, command = [] } = plan?.processes[0] ?? {}
  return { environment, command }
}

const secret = 'x'.repeat(24)
const bare = {
  APPSMITH_MONGODB_PASSWORD: secret,
  APPSMITH_ENCRYPTION_PASSWORD: secret,
  APPSMITH_ENCRYPTION_SALT: secret,
  APPSMITH_SUPERVISOR_USER: 'appsmith',
  APPSMITH_SUPERVISOR_PASSWORD: secret,
  APPSMITH_DB_URL: `mongodb://appsmith:${secret}@localhost:27017/appsmith`,
  APPSMITH_ALLOWED_FRAME_ANCESTORS: "'self'",
  NO_PROXY: 'localhost,127.0.0.1',
  no_proxy: 'localhost,127.0.0.1',
}

test('on a first start with nothing given, secrets are generated and nothing else is made up', () => {
  const { environment, command } = backend({})
  // Its port is that of no proxy: a default is a value.
  expect(environment).toEqual({ ...bare, PROXY_PORT: '80' })
  expect(command).toEqual(['java', '-jar', 'server.jar'])
})

const frames = 'APPSMITH_ALLOWED_FRAME_ANCESTORS'
const github = { id: 'APPSMITH_OAUTH2_GITHUB_CLIENT_ID', secret: 'APPSMITH_OAUTH2_GITHUB_CLIENT_SECRET' }
const captcha = 'APPSMITH_RECAPTCHA'

test.each<[string, Record<string, string>, Record<string, string | undefined>]>([
  ['own variables win over the file', { APPSMITH_SUPERVISOR_USER: 'me' }, { APPSMITH_SUPERVISOR_USER: 'me' }],
  ['an empty one does not', { APPSMITH_SUPERVISOR_USER: '' }, { APPSMITH_SUPERVISOR_USER: 'appsmith' }],
  ['the old name of the database', { APPSMITH_MONGODB_URI: 'mongodb://old' }, { APPSMITH_DB_URL: 'mongodb://old' }],
  [
    'the new name of the database wins',
    { APPSMITH_MONGODB_URI: 'mongodb://old', APPSMITH_DB_URL: 'mongodb://new' },
    { APPSMITH_DB_URL: 'mongodb://new' },
  ],
  [
    'frame ancestors are cut at the first `;`',
    { [frames]: "a.example b;script-src 'x'; y" },
    { [frames]: 'a.example b' },
  ],
  ['empty frame ancestors', { [frames]: '' }, { [frames]: "'self'" }],
  ['a domain', { APPSMITH_CUSTOM_DOMAIN: 'app.example' }, { APPSMITH_CUSTOM_DOMAIN: 'app.example' }],
  ['a domain that is a URL', { APPSMITH_CUSTOM_DOMAIN: 'https://app.example' }, { APPSMITH_CUSTOM_DOMAIN: undefined }],
  ['mail turned off by nothing', { APPSMITH_MAIL_ENABLED: '' }, { APPSMITH_MAIL_ENABLED: undefined }],
  ['mail', { APPSMITH_MAIL_ENABLED: 'false' }, { APPSMITH_MAIL_ENABLED: 'false' }],
  ['a pair', { [github.id]: 'i', [github.secret]: 's' }, { [github.id]: 'i', [github.secret]: 's' }],
  ['half a pair', { [github.id]: 'i' }, { [github.id]: undefined, [github.secret]: undefined }],
  [
    'a pair with an empty half',
    { [github.id]: 'i', [github.secret]: '' },
    { [github.id]: undefined, [github.secret]: undefined },
  ],
  [
    'two of three',
    { [`${captcha}_SITE_KEY`]: 'k', [`${captcha}_SECRET_KEY`]: 's', [`${captcha}_ENABLED`]: '' },
    { [`${captcha}_SITE_KEY`]: undefined, [`${captcha}_SECRET_KEY`]: undefined, [`${captcha}_ENABLED`]: undefined },
  ],
  ['a proxy in upper case', { HTTP_PROXY: 'http://p:1' }, { HTTP_PROXY: 'http://p:1', http_proxy: 'http://p:1' }],
  ['a proxy in lower case', { http_proxy: 'http://p:1' }, { HTTP_PROXY: 'http://p:1', http_proxy: 'http://p:1' }],
  [
    'two proxies',
    { HTTP_PROXY: 'http://u', http_proxy: 'http://l' },
    { HTTP_PROXY: 'http://u', http_proxy: 'http://u' },
  ],
  ['no proxy for TLS', { HTTP_PROXY: 'http://p:1' }, { HTTPS_PROXY: undefined, https_proxy: undefined }],
  ['a proxy for TLS', { https_proxy: 'http://p:1' }, { HTTPS_PROXY: 'http://p:1', HTTP_PROXY: undefined }],
  ['hosts without proxy', { NO_PROXY: 'a.example' }, { NO_PROXY: 'a.example,localhost,127.0.0.1' }],
  ['hosts that are there', { NO_PROXY: '127.0.0.1, b,localhost' }, { NO_PROXY: '127.0.0.1,b,localhost' }],
  [
    'hosts in lower case',
    { no_proxy: 'a.example,' },
    { NO_PROXY: 'a.example,localhost,127.0.0.1', no_proxy: 'a.example,localhost,127.0.0.1' },
  ],
])('%s', (_, own, expected) => {
  const { environment } = backend(own)
  expect(Object.fromEntries(Object.keys(expected).map((name) => [name, environment[name]]))).toEqual(expected)
  for (const [name, value] of Object.entries(expected))
    if (value === undefined) expect(environment).not.toHaveProperty(name)
})

test('the file on disk is what a second start has', () => {
  writeFileSync(
    join(folder, 'docker.env'),
    'APPSMITH_MONGODB_PASSWORD=kept\nAPPSMITH_ENCRYPTION_PASSWORD=a\nAPPSMITH_ENCRYPTION_SALT=b\nAPPSMITH_SUPERVISOR_USER=appsmith\nAPPSMITH_SUPERVISOR_PASSWORD=c\nAPPSMITH_MAIL_ENABLED=\n',
  )
  const { environment } = backend({})
  expect(environment.APPSMITH_DB_URL).toBe('mongodb://appsmith:kept@localhost:27017/appsmith')
  expect(environment).not.toHaveProperty('APPSMITH_MAIL_ENABLED')
})

test('Java gets its heap, its arguments and the proxy', () => {
  const { command } = backend({
    APPSMITH_JAVA_HEAP_ARG: '-Xms1g -Xmx2g',
    APPSMITH_JAVA_ARGS: `-Da="two words" -Db=c`,
    http_proxy: 'http://me:p%40ss@[::1]:3128/',
  })
  expect(command).toEqual([
    'java',
    '-Xms1g',
    '-Xmx2g',
    '-Dhttp.proxyHost=::1',
    '-Dhttp.proxyPort=3128',
    '-Dhttp.proxyUser=me',
    '-Dhttp.proxyPassword=p@ss',
    '-Da=two words',
    '-Db=c',
    '-jar',
    'server.jar',
  ])
})
