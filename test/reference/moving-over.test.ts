/** Installations as they are: odd settings of years ago, with which config/appsmith.yaml starts all the same. */
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readPlanToRun } from '../../src/app/reload/plan-to-run.ts'
import { readVariables } from '../../src/config/environment/variable-file.ts'
import type { Plan } from '../../src/plan/model/plan.ts'
import { binary } from '../e2e/support/gatehouse.ts'
import { programOf } from './program.ts'
import {
  configFile,
  databasesElsewhere,
  singleContainer,
  singleContainerPlan,
  startSingleContainer,
  withoutBackups,
} from './single-container.ts'
import { putFiles, testSite, type Variables } from './site.ts'

function commandOf({ processes }: Plan, name: string): readonly string[] {
  return processes.find((process) => process.name === name)?.command ?? []
}

describe('an installation that moves over to config/appsmith.yaml', () => {
  const site = testSite(singleContainer)

  it("a proxy's password may hold quotes and blanks", async () => {
    const proxies: Variables = {
      HTTP_PROXY: "http://me:it's%20%22ours%22@proxy.example:3128",
      HTTPS_PROXY: 'http://me%20too@proxy.example:3129',
    }
    const words = commandOf(await singleContainerPlan(site, proxies), 'backend')
    expect(words.filter((word) => /proxy(User|Password)/.test(word))).toEqual([
      '-Dhttp.proxyUser=me',
      `-Dhttp.proxyPassword=it's "ours"`,
      '-Dhttps.proxyUser=me too',
    ])
  })

  it('a domain may have blanks around it, as the file of a secret has a line end', async () => {
    const { certificates } = await singleContainerPlan(site, { APPSMITH_CUSTOM_DOMAIN: ' App.example\n' })
    expect(certificates.map(({ domains }) => domains)).toEqual([['app.example']])
    const { certificates: none } = await singleContainerPlan(site, { APPSMITH_CUSTOM_DOMAIN: ' https://app.example' })
    expect(none).toEqual([])
  })

  it('a domain may be a wildcard, for which there is a certificate of its own and no ACME server is asked', async () => {
    const { certificates } = await singleContainerPlan(site, { APPSMITH_CUSTOM_DOMAIN: '*.app.example' })
    expect(certificates.map(({ use }) => use.map(({ kind }) => kind))).toEqual([['files', 'certbot', 'internal']])
  })

  it('whose clients are in a private network believes its load balancer alone', async () => {
    const trusted = async (env: Variables) => (await singleContainerPlan(site, env)).gateway?.trustedProxies
    expect(await trusted({})).toContain('10.0.0.0/8')
    expect(await trusted({ GATEHOUSE_TRUSTED_PROXIES: '10.1.2.3' })).toEqual(['127.0.0.0/8', '::1/128', '10.1.2.3/32'])
    expect(await trusted({ GATEHOUSE_TRUSTED_PROXIES: 'none' })).toEqual(['127.0.0.0/8', '::1/128'])
  })

  it('the folder for what is temporary may have a blank in its name', async () => {
    const plan = await singleContainerPlan(site, { TMPDIR: '/tmp/of mine' })
    expect(commandOf(plan, 'mongodb').slice(-2)).toEqual(['--keyFile', '/tmp/of mine/mongodb-key'])
    expect(commandOf(plan, 'postgres').at(-1)).toBe('--unix_socket_directories=/tmp/of mine')
  })

  it("Keycloak trusts the volume's CAs, too, and keeps the arguments that it was given", async () => {
    const plan = await singleContainerPlan(site, { JAVA_OPTS_APPEND: '-Xmx1g', APPSMITH_ENABLE_EMBEDDED_DB: '' })
    const [store] = plan.trustStores
    const { JAVA_OPTS_APPEND } = plan.processes.find(({ name }) => name === 'keycloak')?.environment ?? {}
    expect(JAVA_OPTS_APPEND?.split(' ')).toEqual(
      expect.arrayContaining(['-Xmx1g', `-Djavax.net.ssl.trustStore=${store?.file}`]),
    )
  })

  it.skipIf(process.getuid?.() !== 0)(
    'PostgreSQL owns its files, though their owner has another number in this image',
    async () => {
      const stacks = site.volume({ 'data/postgres/main/base/1': 'a table', 'data/postgres/main/PG_VERSION': '15' })
      const files = ['', 'main', 'main/base/1', 'main/PG_VERSION'].map((file) => join(stacks, 'data/postgres', file))
      for (const file of files) chownSync(file, 54_321, 54_321)
      const plan = await singleContainerPlan(site, { GATEHOUSE_STACKS: stacks, GATEHOUSE_POSTGRES_USER: 'nobody' })
      const [program = '', ...words] = commandOf(plan, 'postgres-folder')
      execFileSync(program, words, { cwd: stacks })
      const owners = new Set(files.map((file) => statSync(file).uid))
      expect(owners).toEqual(new Set([Number(execFileSync('id', ['-u', 'nobody']))]))
      expect(statSync(join(stacks, 'data/postgres/main')).mode & 0o777).toBe(0o700)
    },
  )

  it('Git repositories stay where they are: in the volume, or where the installation has them', async () => {
    const stacks = site.volume({})
    const rootOf = async (env: Variables) => {
      const plan = await singleContainerPlan(site, { GATEHOUSE_STACKS: stacks, ...env })
      const root = plan.processes.find(({ name }) => name === 'backend')?.environment.APPSMITH_GIT_ROOT
      expect(commandOf(plan, 'folders').at(-1)).toBe(root)
      return root
    }
    expect(await rootOf({})).toBe(join(stacks, 'git-storage'))
    expect(await rootOf({ APPSMITH_GIT_ROOT: '/dev/shm/git' })).toBe('/dev/shm/git')
  })

  it("the product's restart makes what its settings page wrote take effect; its other questions change nothing", async () => {
    const file = 'configuration/docker.env'
    const stacks = site.volume({ [file]: 'APPSMITH_INSTANCE_NAME=before\n' })
    const running = await startSingleContainer(site, {
      ...databasesElsewhere,
      ...withoutBackups,
      GATEHOUSE_STACKS: stacks,
    })
    onTestFinished(() => running.gatehouse.stop().then(() => {}))
    const before = await programOf(running, 'backend')
    await running.gatehouse.ready()
    const bin = join(stacks, 'bin')
    putFiles(bin, { gatehouse: `#!/bin/sh\nexec ${binary.join(' ')} "$@"\n` })
    chmodSync(join(bin, 'gatehouse'), 0o755)
    const ask = (...words: string[]) =>
      execFileSync(join(dirname(configFile), 'appsmith/supervisorctl.sh'), words, {
        env: { PATH: `${bin}:${process.env.PATH}`, GATEHOUSE_SOCKET: running.socket },
      })
    putFiles(stacks, { [file]: 'APPSMITH_INSTANCE_NAME=after\n' })
    for (const words of [[], ['stop', 'backend', 'rts'], ['start', 'backend', 'rts']]) ask(...words)
    expect(running.gatehouse.pidOf('backend')).toBe(before.pid)
    const after = running.gatehouse.lines.length
    ask('restart', 'backend', 'editor', 'rts')
    await running.gatehouse.waitFor({ process: 'backend', message: /^listening on / }, { after })
    const { environment, pid } = await programOf(running, 'backend')
    expect([environment.APPSMITH_INSTANCE_NAME, pid === before.pid]).toEqual(['after', false])
  }, 60_000)

  it('appsmithctl in a shell of its own finds the database of a new volume, which it knows by docker.env alone', async () => {
    const stacks = site.volume({})
    const { plan } = await readPlanToRun(configFile, {
      ...site.environment(),
      ...places(site.folder),
      GATEHOUSE_STACKS: stacks,
    })
    const written = readVariables(readFileSync(join(stacks, 'configuration/docker.env'), 'utf8')).variables
    expect(written.APPSMITH_DB_URL).toBe(
      `mongodb://appsmith:${written.APPSMITH_MONGODB_PASSWORD}@localhost:27017/appsmith`,
    )
    expect(plan?.processes.find(({ name }) => name === 'backend')?.environment.APPSMITH_DB_URL).toBe(
      written.APPSMITH_DB_URL,
    )
  })
})

/** Of programs that are only planned. */
function places(folder: string): Variables {
  return { GATEHOUSE_BACKEND: folder, GATEHOUSE_RTS: folder, GATEHOUSE_STORAGE: join(folder, 'state') }
}
