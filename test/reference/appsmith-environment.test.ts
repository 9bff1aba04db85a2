/**
 * The environment of the reference deployment, row by row, as the kernel has it of the programs that config/appsmith.yaml
 * starts (proc(5): cmdline, environ).
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { part } from '../parts.ts'
import { ask, basic } from './asking.ts'
import { environmentTests } from './environment.ts'
import { dockerEnv, type Program, programOf } from './program.ts'
import { singleContainer, singleContainerPlan } from './single-container.ts'
import { type Site, testSite, type Variables } from './site.ts'

describe('config/appsmith.yaml', () => {
  environmentTests(singleContainer)

  describe('the environment of its programs', () => {
    const site = testSite(singleContainer)
    /** The backend that was started with these variables. */
    const backendWith = async (env: Variables) =>
      programOf(await site.start({ GATEHOUSE_THREADS: '1', ...env }), 'backend')

    secretRows(site)
    groupRows(backendWith)
    proxyRows(backendWith)
    javaRows(site, backendWith)

    it('APPSMITH_MONGODB_URI is the old name of APPSMITH_DB_URL: in docker.env, and for the container, which wins', async () => {
      const old = 'mongodb+srv://user:secret@old.example/appsmith?retryWrites=true&w=majority'
      const older = { 'configuration/docker.env': `APPSMITH_MONGODB_URI=${old}\n` }
      const databaseOf = async (env: Variables) => (await backendWith(env)).environment.APPSMITH_DB_URL
      expect(await databaseOf({ APPSMITH_DB_URL: '', GATEHOUSE_STACKS: site.volume(older) })).toBe(old)
      const elsewhere = 'mongodb://other.example/appsmith'
      const newer = { 'configuration/docker.env': `APPSMITH_DB_URL=${old}\n` }
      const given = { APPSMITH_DB_URL: '', APPSMITH_MONGODB_URI: elsewhere }
      expect(await databaseOf({ ...given, GATEHOUSE_STACKS: site.volume(newer) })).toBe(elsewhere)
    })

    it('log files have at most 30 MB', async () => {
      expect((await singleContainerPlan(site, {})).log).toMatchObject({ files: { size: 30_000_000 } })
    })

    it('what a program says is in files of its own, by the name of the host, and on stdout with its name', async () => {
      const stacks = site.volume({})
      const { gatehouse } = await site.start({ GATEHOUSE_STACKS: stacks })
      for (const name of ['rts', 'mcp', 'backend']) {
        const { message } = await gatehouse.waitFor({ process: name, stream: 'stdout', message: /^listening on / })
        const file = join(stacks, 'logs', name, `${hostname()}-stdout.log`)
        // It is on the disk a moment later.
        await expect.poll(() => (existsSync(file) ? readFileSync(file, 'utf8') : '')).toContain(`\n${message}\n`)
      }
    })
  })
})

type Backend = (env: Variables) => Promise<Program>

function secretRows(site: Site): void {
  it('the first start writes docker.env for its owner alone, with secrets; a second one has the same and changes nothing', async () => {
    const stacks = site.volume({})
    const env = { GATEHOUSE_STACKS: stacks, APPSMITH_DB_URL: '' }
    const first = await site.start(env)
    const file = join(stacks, 'configuration/docker.env')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { text, variables } = dockerEnv(stacks)
    const secrets = ['MONGODB_PASSWORD', 'ENCRYPTION_PASSWORD', 'ENCRYPTION_SALT', 'SUPERVISOR_PASSWORD']
    const values = secrets.map((name) => variables[`APPSMITH_${name}`])
    for (const value of values) expect(value).toMatch(/^[0-9A-Za-z]{16,}$/)
    expect(new Set(values).size).toBe(4)
    const { APPSMITH_SUPERVISOR_PASSWORD: password = '' } = variables
    expect((await ask(first.http, '/supervisor/', basic('appsmith', password))).status).toBe(200)
    const { environment } = await programOf(first, 'backend')
    // The dashboard's is Gatehouse's own.
    const theirs = secrets.slice(0, 3).map((name, at) => [`APPSMITH_${name}`, values[at]])
    expect(environment).toMatchObject(Object.fromEntries(theirs))
    expect(environment).not.toHaveProperty('APPSMITH_SUPERVISOR_PASSWORD')
    expect(environment.APPSMITH_DB_URL).toMatch(
      new RegExp(`^mongodb://appsmith:${variables.APPSMITH_MONGODB_PASSWORD}@localhost:\\d+/appsmith$`),
    )
    for (const line of first.gatehouse.lines)
      for (const value of values) expect(JSON.stringify(line)).not.toContain(value)
    await first.gatehouse.stop()

    const second = await programOf(await site.start(env), 'backend')
    expect(dockerEnv(stacks).text).toBe(text)
    const { APPSMITH_ENCRYPTION_PASSWORD, APPSMITH_ENCRYPTION_SALT } = variables
    expect(second.environment).toMatchObject({ APPSMITH_ENCRYPTION_PASSWORD, APPSMITH_ENCRYPTION_SALT })
  })

  it('a docker.env means what the shell made of it that reads it today', async () => {
    const text = `export APPSMITH_INSTANCE_NAME='Jane'"'"'s'\nAPPSMITH_MAIL_PASSWORD=abc#def\nAPPSMITH_MAIL_FROM="me@example" # us\n`
    const stacks = site.volume({ 'configuration/docker.env': text })
    const { environment } = await programOf(await site.start({ GATEHOUSE_STACKS: stacks }), 'backend')
    expect(environment).toMatchObject({
      APPSMITH_INSTANCE_NAME: "Jane's",
      APPSMITH_MAIL_PASSWORD: 'abc#def',
      APPSMITH_MAIL_FROM: 'me@example',
    })
  })

  it('the docker.env of an installation is never changed, and what the container is given wins over it', async () => {
    const text = '# mine\nAPPSMITH_ENCRYPTION_PASSWORD=old\nAPPSMITH_ENCRYPTION_SALT=salt\nAPPSMITH_MAIL_ENABLED=\n'
    const stacks = site.volume({ 'configuration/docker.env': text })
    const running = await site.start({ GATEHOUSE_STACKS: stacks, APPSMITH_ENCRYPTION_SALT: 'of the container' })
    const { environment } = await programOf(running, 'backend')
    expect(environment).toMatchObject({
      APPSMITH_ENCRYPTION_PASSWORD: 'old',
      APPSMITH_ENCRYPTION_SALT: 'of the container',
    })
    expect(environment).not.toHaveProperty('APPSMITH_MAIL_ENABLED')
    expect(dockerEnv(stacks).text).toBe(text)
  })
}

const groups: readonly (readonly string[])[] = [
  ['APPSMITH_OAUTH2_GITHUB_CLIENT_ID', 'APPSMITH_OAUTH2_GITHUB_CLIENT_SECRET'],
  ['APPSMITH_OAUTH2_GOOGLE_CLIENT_ID', 'APPSMITH_OAUTH2_GOOGLE_CLIENT_SECRET'],
  ['APPSMITH_RECAPTCHA_SITE_KEY', 'APPSMITH_RECAPTCHA_SECRET_KEY', 'APPSMITH_RECAPTCHA_ENABLED'],
]

function groupRows(backendWith: Backend): void {
  const whole = Object.fromEntries([...groups.flat(), 'APPSMITH_MAIL_ENABLED'].map((name) => [name, 'given']))

  it('what is given whole stays', async () => {
    expect((await backendWith(whole)).environment).toMatchObject(whole)
  })

  it.each([
    ['the first of each group is empty', Object.fromEntries(groups.map(([name = '']) => [name, '']))],
    ['the last of each group is empty', Object.fromEntries(groups.map((names) => [names.at(-1) ?? '', '']))],
  ])('a group is removed if %s, and APPSMITH_MAIL_ENABLED with its own value', async (_, empty) => {
    const { environment } = await backendWith({ ...whole, ...empty, APPSMITH_MAIL_ENABLED: '' })
    for (const name of Object.keys(whole)) expect(environment).not.toHaveProperty(name)
  })
}

function proxyRows(backendWith: Backend): void {
  it.each([
    ['upper', { HTTP_PROXY: 'http://me:p%40ss@proxy.example:3128', HTTPS_PROXY: 'http://proxy.example:3129' }],
    ['lower', { http_proxy: 'http://me:p%40ss@proxy.example:3128', https_proxy: 'http://proxy.example:3129' }],
  ])('proxies in %s case are mirrored in the other, and Java is told of them', async (_, proxies) => {
    const { environment, words } = await backendWith({ ...proxies, NO_PROXY: 'internal.example' })
    expect(environment).toMatchObject({
      HTTP_PROXY: 'http://me:p%40ss@proxy.example:3128',
      http_proxy: 'http://me:p%40ss@proxy.example:3128',
      HTTPS_PROXY: 'http://proxy.example:3129',
      https_proxy: 'http://proxy.example:3129',
      NO_PROXY: 'internal.example,localhost,127.0.0.1',
      no_proxy: 'internal.example,localhost,127.0.0.1',
    })
    expect(words).toEqual(
      expect.arrayContaining([
        '-Dhttp.proxyHost=proxy.example',
        '-Dhttp.proxyPort=3128',
        '-Dhttp.proxyUser=me',
        '-Dhttp.proxyPassword=p@ss',
        '-Dhttps.proxyHost=proxy.example',
        '-Dhttps.proxyPort=3129',
        '-Dhttp.nonProxyHosts=internal.example|localhost|127.0.0.1',
      ]),
    )
  })

  it('without proxies nothing says so, but for the hosts that never have one', async () => {
    const { environment, words } = await backendWith({})
    expect(environment).toMatchObject({ NO_PROXY: 'localhost,127.0.0.1', no_proxy: 'localhost,127.0.0.1' })
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'])
      expect(environment).not.toHaveProperty(name)
    expect(words.filter((word) => /proxy/i.test(word))).toEqual([])
  })
}

function javaRows(site: Site, backendWith: Backend): void {
  it('Java gets the arguments and the heap that are asked for, quotes understood', async () => {
    const { words } = await backendWith({
      APPSMITH_JAVA_ARGS: `-Dfirst="two words" -Dsecond=b`,
      APPSMITH_JAVA_HEAP_ARG: '-Xms512m -Xmx2g',
    })
    expect(words).toEqual(expect.arrayContaining(['-Dfirst=two words', '-Dsecond=b', '-Xms512m', '-Xmx2g']))
    expect(words.slice(-2)).toEqual(['-jar', 'server.jar'])
  })

  it.skipIf(!part('openssl'))('Java trusts the certificates in ca-certs beside those of the system', async () => {
    const { certificate } = makeCertificate({ commonName: 'The company itself', authority: true })
    const stacks = site.volume({ 'ca-certs/company.crt': certificate, 'ca-certs/README': 'no certificate' })
    const { words } = await backendWith({ GATEHOUSE_STACKS: stacks })
    const store = words.find((word) => word.startsWith('-Djavax.net.ssl.trustStore='))?.split('=')[1] ?? ''
    expect(words).toContain('-Djavax.net.ssl.trustStorePassword=changeit')
    expect(words).toContain('-Djavax.net.ssl.trustStoreType=PKCS12')
    const { stdout } = spawnSync('openssl', ['pkcs12', '-in', store, '-passin', 'pass:changeit', '-nokeys'])
    const subjects = String(stdout).match(/^subject=.*$/gm) ?? []
    expect(subjects.filter((subject) => subject.includes('The company itself'))).toHaveLength(1)
    expect(subjects.length).toBeGreaterThan(50)
  })
}
