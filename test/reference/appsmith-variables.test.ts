/** The rows of the environment at their edges, as config/appsmith.yaml means them; appsmith-environment.test.ts starts programs. */
import { expect, test } from 'vitest'
import { planWith } from './image-plan.ts'
import type { Variables } from './site.ts'

function backend(own: Variables) {
  const { environment = {}, command = [] } = planWith(own).processes.find(({ name }) => name === 'backend') ?? {}
  return { environment, command }
}

const github = { id: 'APPSMITH_OAUTH2_GITHUB_CLIENT_ID', secret: 'APPSMITH_OAUTH2_GITHUB_CLIENT_SECRET' }
const captcha = 'APPSMITH_RECAPTCHA'

test.each<[string, Record<string, string>, Record<string, string | undefined>]>([
  ['own variables win over docker.env', { APPSMITH_SUPERVISOR_USER: 'me' }, { APPSMITH_SUPERVISOR_USER: 'me' }],
  ['an empty one does not', { APPSMITH_SUPERVISOR_USER: '' }, { APPSMITH_SUPERVISOR_USER: 'appsmith' }],
  ['the old name of the database', { APPSMITH_MONGODB_URI: 'mongodb://old' }, { APPSMITH_DB_URL: 'mongodb://old' }],
  [
    'the old name of the database where both are given, as the container has it today',
    { APPSMITH_MONGODB_URI: 'mongodb://old', APPSMITH_DB_URL: 'mongodb://new' },
    { APPSMITH_DB_URL: 'mongodb://old' },
  ],
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

test('Java gets its arguments, its heap and the proxies, with what stands in their URLs', () => {
  const { command } = backend({
    APPSMITH_JAVA_HEAP_ARG: '-Xms1g -Xmx2g',
    APPSMITH_JAVA_ARGS: `-Da="two words" -Db=c`,
    http_proxy: 'http://me:p%40ss@[::1]:3128/',
    HTTPS_PROXY: 'http://proxy.example',
  })
  expect(command.slice(0, 5)).toEqual(['java', '-Da=two words', '-Db=c', '-Xms1g', '-Xmx2g'])
  expect(command.filter((word) => /\.proxy/.test(word))).toEqual([
    '-Dhttp.proxyHost=::1',
    '-Dhttp.proxyPort=3128',
    '-Dhttp.proxyUser=me',
    '-Dhttp.proxyPassword=p@ss',
    '-Dhttps.proxyHost=proxy.example',
    '-Dhttps.proxyPort=443',
  ])
  expect(command.slice(-2)).toEqual(['-jar', 'server.jar'])
})
