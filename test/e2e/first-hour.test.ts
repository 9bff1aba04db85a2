/** What a new user tries first, as it stands in the README, as a user without rights and as root: each in a machine of its own. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { part } from '../parts.ts'
import { unusedId } from '../support/unused-id.ts'
import { binary, type Gatehouse, projectFolder, source, startGatehouse } from './support/gatehouse.ts'
import { noSmallRoot, type SmallRoot, type SmallRootOptions, smallRoot } from './support/small-root.ts'

const [user, stranger] = [await unusedId(), await unusedId()]
const missing = noSmallRoot()

/** What the example's `node api.js` may be. */
const api = `
import { createServer } from 'node:http'
createServer((request, response) => response.end('api')).listen(9000, '127.0.0.1')
`
/** In the place of Redis where it is not installed. */
const redis = `#!/bin/sh
exec node -e 'require("node:net").createServer().listen(6379, "127.0.0.1")'
`

function exampleOfReadme(): string {
  const [, example = ''] = /## A config file\n+```yaml\n([\s\S]*?)```/.exec(
    readFileSync(join(projectFolder, 'README.md'), 'utf8'),
  ) ?? ['', '']
  expect(example).toContain('address: ":8080"')
  return example
}

/** A fresh folder that all may read, of this user, with these files. */
function freshFolder(files: Readonly<Record<string, string>>, uid = 0): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-first-hour-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  chmodSync(folder, 0o755)
  chownSync(folder, uid, uid)
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content, { mode: name.startsWith('bin/') ? 0o755 : 0o644 })
  }
  return folder
}

interface Started {
  readonly gatehouse: Gatehouse
  readonly machine: SmallRoot
}

function start(
  file: string,
  {
    command = binary,
    env = {},
    ...options
  }: Omit<SmallRootOptions, 'folder'> & { command?: readonly string[]; env?: Record<string, string> },
): Started {
  const folder = dirname(file)
  const machine = smallRoot({ ...options, folder: folder.startsWith(projectFolder) ? freshFolder({}) : folder })
  const gatehouse = startGatehouse({
    file,
    command: [...machine.words, ...command],
    env: { PATH: `${projectFolder}/node_modules/.bin:/usr/sbin:/usr/bin:/sbin:/bin:${folder}/bin`, TMPDIR: '', ...env },
  })
  onTestFinished(async () => void (await gatehouse.stop()))
  return { gatehouse, machine }
}

const errorsOf = ({ lines }: Gatehouse) => lines.filter(({ level }) => level === 'error').map(({ message }) => message)

describe.skipIf(missing)(`the README's example${missing ? ` (skipped: ${missing})` : ''}`, () => {
  const files = () => ({
    'gatehouse.yaml': exampleOfReadme(),
    'api.js': api,
    'package.json': '{"type":"module"}',
    'app/index.html': 'the page',
    ...(part('redis-server') === undefined && { 'bin/redis-server': redis }),
  })

  it.each([
    [
      'a user who may write to neither /run nor /data',
      user,
      ['/run', '/data'],
      `/tmp/gatehouse-${user}/gatehouse.sock`,
    ],
    ['root', 0, [], '/run/gatehouse.sock'],
  ] as const)(
    'runs as it stands, in a fresh folder, as %s; the verbs find it',
    async (_, uid, readOnly, socket) => {
      const folder = freshFolder(files(), uid)
      const { gatehouse, machine } = start(join(folder, 'gatehouse.yaml'), { uid, readOnly })
      await gatehouse.ready()
      expect(gatehouse.lines[0]).toMatchObject({ socket })
      const ask = (...words: string[]) => machine.beside(gatehouse.pid, [...binary, ...words])
      expect(ask('healthcheck')).toMatchObject({ code: 0, stdout: 'healthy\n' })
      expect(ask('status', gatehouse.file)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/api\s+running\s+yes/),
      })
      const curl = ['node', '-e', 'fetch("http://127.0.0.1:8080/api/x").then((r) => r.text()).then(console.log)']
      expect(machine.beside(gatehouse.pid, curl).stdout).toBe('api\n')
      if (uid === 0) return
      const byRoot = machine.beside(gatehouse.pid, [...binary, 'status'], 0)
      expect(byRoot).toMatchObject({ code: 4 })
      expect(byRoot.stderr).toBe(
        `gatehouse: no gatehouse listens on /run/gatehouse.sock; start it with \`gatehouse run\`, or connect to one of another user: --socket ${socket}\n`,
      )
    },
    60_000,
  )
})

describe.skipIf(missing)('a start that cannot be', () => {
  const config = (more: string) => `
gateway:
  listeners: { http: { address: ":80" }, https: { address: ":443", tls: true } }
  routes: [{ respond: { body: here } }]
certificates: [{ domains: [localhost], use: [internal: {}] }]
${more}`

  it('reports all reasons at once: socket, storage, every port, log files, users and programs', async () => {
    const folder = freshFolder({
      'gatehouse.yaml': config(
        `storage: /data/state
control: { socket: /run/own.sock }
metrics: { address: ":81" }
log: { directory: /data/logs }
processes: { job: { command: [no-such-program], user: no-such-user } }
`,
      ),
    })
    const { gatehouse } = start(join(folder, 'gatehouse.yaml'), { uid: user, readOnly: ['/run', '/data'] })
    expect(await gatehouse.exit).toEqual({ code: 3, signal: null })
    expect(errorsOf(gatehouse)).toEqual([
      expect.stringMatching(
        new RegExp(`^cannot open the control socket /run/own\\.sock: .*make its folder writable for user ${user}`),
      ),
      expect.stringMatching(/the internal CA cannot use \/data\/state\/internal: .*change `storage`/),
      expect.stringMatching(/^listener http cannot listen on :80: this user may not open ports below 1024/),
      expect.stringMatching(/^listener https cannot listen on :443: this user may not/),
      expect.stringMatching(/^listener metrics cannot listen on :81: this user may not/),
    ])
    expect(gatehouse.stderr).toMatch(/`no-such-user` names a user that does not exist on this machine/)
    expect(gatehouse.stderr).toMatch(/the program `no-such-program` was not found in its PATH/)
    expect(gatehouse.lines.some(({ message }) => /the log file \/data\/logs\/.* cannot be written/.test(message))).toBe(
      true,
    )
  })

  it('reports read-only places to root, too, with a hint', async () => {
    const folder = freshFolder({ 'gatehouse.yaml': config('') })
    const { gatehouse } = start(join(folder, 'gatehouse.yaml'), { readOnly: ['/run', '/data'] })
    expect(await gatehouse.exit).toEqual({ code: 3, signal: null })
    expect(errorsOf(gatehouse)).toEqual([
      expect.stringMatching(/^cannot open the control socket \/run\/gatehouse\.sock: EROFS.*change `control\.socket`/),
      expect.stringMatching(/the internal CA cannot use \/data\/gatehouse\/internal: EROFS.*change `storage`/),
    ])
  })

  it.each([
    [
      'a folder of another user',
      `mkdir -m 755 $root/tmp/gatehouse-${user} && chown ${stranger} $root/tmp/gatehouse-${user}`,
      new RegExp(`it belongs to uid ${stranger}`),
    ],
    ['a link', `mkdir -m 777 $root/tmp/theirs && ln -s theirs $root/tmp/gatehouse-${user}`, /it is a link/],
  ])('does not use %s in the place of its own in /tmp', async (_, before, why) => {
    const folder = freshFolder({
      'gatehouse.yaml': config('').replace('":80"', '":8080"').replace('":443"', '":8443"'),
    })
    const { gatehouse } = start(join(folder, 'gatehouse.yaml'), { uid: user, before })
    expect(await gatehouse.exit).toEqual({ code: 3, signal: null })
    expect(errorsOf(gatehouse)).toEqual([expect.stringMatching(why)])
    expect(errorsOf(gatehouse)[0]).toContain(`/tmp/gatehouse-${user} cannot be used for state and control socket`)
  })
})

describe.skipIf(missing)('the files of config/', () => {
  const both = [
    ['a user', user],
    ['root', 0],
  ] as const
  const readOnly = ['/run', '/data']

  // As root it is run by other tests (demo.browser.test.ts).
  it('demo.yaml, by npm start, runs as a user with a project that is read-only', async () => {
    const { scripts } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
    expect(scripts.start).toBe('sh scripts/demo.sh src/main.ts run config/demo.yaml')
    const { gatehouse, machine } = start(join(projectFolder, 'config/demo.yaml'), {
      uid: user,
      readOnly,
      command: ['sh', join(projectFolder, 'scripts/demo.sh'), source[1] as string],
      env: { PATH: `${dirname(source[0] as string)}:/usr/bin:/bin` },
    })
    await gatehouse.waitFor({ message: 'ready' }, { timeout: 50_000 })
    const socket = `/tmp/gatehouse-demo-${user}/gatehouse.sock`
    expect(machine.beside(gatehouse.pid, ['test', '-S', socket]).code).toBe(0)
  }, 60_000)

  it.each(both)('sidecar.yaml runs as %s, with nothing but the site mounted', async (_, uid) => {
    const site = freshFolder({ 'editor/index.html': 'editor', 'editor/404.html': '', 'info.json': '{}' })
    const { gatehouse } = start(join(projectFolder, 'config/sidecar.yaml'), {
      uid,
      readOnly: uid === 0 ? [] : readOnly,
      env: {
        GATEHOUSE_EDITOR: `${site}/editor`,
        GATEHOUSE_INFO: `${site}/info.json`,
        GATEHOUSE_DEREGISTRATION_DELAY: '0s',
      },
      before: `mkdir -p $root${site} && mount --bind ${site} $root${site}`,
    })
    await gatehouse.ready()
  })

  it.each(both)('appsmith.yaml says as %s which files of the product are missing here', async (_, uid) => {
    const { gatehouse } = start(join(projectFolder, 'config/appsmith.yaml'), { uid, readOnly })
    expect(await gatehouse.exit).toEqual({ code: 1, signal: null })
    expect(gatehouse.stderr).toMatch(/appsmith\.yaml:\d+:\d+: error: .*does not exist/)
  })
})
