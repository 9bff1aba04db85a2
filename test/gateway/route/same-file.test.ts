/**
 * A guarded file must not be had by another path that leads to it: as the index of its folder, or encoded beforehand.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, expect, it, test } from 'vitest'
import type { GuardsPlan } from '../../../src/plan/model/plan.ts'
import { ask, protocols } from '../clients.ts'
import { cleanUp, type RouteOptions, type RunningGateway, startGateway, temporaryFolder } from '../support.ts'

afterEach(cleanUp)

const closed: Partial<GuardsPlan> = { addresses: [{ deny: ['::/0', '0.0.0.0/0'] }] }
const closedOtherwise: Partial<GuardsPlan> = { addresses: [{ allow: ['192.0.2.1/32'] }] }

async function site(): Promise<string> {
  const root = await temporaryFolder()
  await mkdir(join(root, 'admin'))
  for (const name of ['index.html', 'admin/index.html', 'report.js', 'open.js'])
    for (const [ending, content] of [
      ['', name],
      ['.gz', gzipSync(name)],
    ] as const)
      await writeFile(join(root, name + ending), content)
  return root
}

function filesIn(root: string, options: Partial<RouteOptions> = {}): RouteOptions {
  return { kind: 'files', root, existingOnly: false, except: [], ...options } as RouteOptions
}

function guarded(root: string, paths: readonly string[], options: Partial<RouteOptions> = {}): RouteOptions {
  return filesIn(root, { match: { paths }, guards: closed, ...options })
}

async function statuses(gateway: RunningGateway, ...paths: readonly string[]): Promise<readonly number[]> {
  return Promise.all(paths.map(async (path) => (await ask(gateway, 'h1', { path })).status))
}

test.each(protocols)(
  'a guarded file is not given away by its encoded copy or its folder, over %s',
  async (protocol) => {
    const root = await site()
    const gateway = await startGateway({
      routes: [guarded(root, ['/report.js', '/admin/index.html']), filesIn(root)],
    })
    for (const [path, status] of [
      ['/report.js', 403],
      ['/report.js.gz', 403],
      ['/report.js.br', 403],
      ['/report.js.gz.br', 403],
      ['/REPORT.js.GZ', 403],
      ['/admin/', 403],
      ['/admin%2F', 403],
      ['/admin/index.html.gz', 403],
      ['/', 200],
      ['/index.html', 200],
      ['/open.js', 200],
      ['/open.js.gz', 200],
    ] as const)
      expect((await ask(gateway, protocol, { path })).status, path).toBe(status)
  },
)

it('holds for a guarded folder path whose index has a name, and for ends', async () => {
  const root = await site()
  const folder = await startGateway({ routes: [guarded(root, ['/admin/']), filesIn(root)] })
  expect(await statuses(folder, '/admin/', '/admin/index.html', '/admin/index.html.gz', '/')).toEqual([
    403, 403, 403, 200,
  ])
  const ends = await startGateway({ routes: [guarded(root, ['*.html']), filesIn(root)] })
  expect(await statuses(ends, '/', '/admin/', '/index.html.gz', '/open.js')).toEqual([403, 403, 403, 200])
})

it('holds for the open route of existing files, and a guarded one of them', async () => {
  const root = await site()
  const existing = { existingOnly: true } as Partial<RouteOptions>
  const gateway = await startGateway({
    routes: [guarded(root, ['/report.js', '/missing/'], existing), filesIn(root, existing), filesIn(root)],
  })
  expect(await statuses(gateway, '/report.js', '/report.js.gz', '/open.js.gz')).toEqual([403, 403, 200])
})

it('holds for one guarded file beside its folder', async () => {
  const root = await site()
  const file = {
    kind: 'file',
    path: join(root, 'report.js'),
    match: { paths: ['/report.js'] },
    guards: closed,
  } as const
  const gateway = await startGateway({ routes: [file, filesIn(root)] })
  expect(await statuses(gateway, '/report.js', '/report.js.gz', '/open.js.gz')).toEqual([403, 403, 200])
})

it('leaves alone what another folder has, what a route in front opens, and what is guarded as well', async () => {
  const [root, other] = [await site(), await site()]
  const apart = await startGateway({ routes: [guarded(other, ['/report.js', '/admin/index.html']), filesIn(root)] })
  expect(await statuses(apart, '/report.js.gz', '/admin/')).toEqual([200, 200])
  const opened = await startGateway({
    routes: [filesIn(root, { match: { paths: ['/report.js'] } }), guarded(root, ['/report.js']), filesIn(root)],
  })
  expect(await statuses(opened, '/report.js', '/report.js.gz')).toEqual([200, 200])
})

it('is refused where each path has guards of its own', async () => {
  const root = await site()
  const gateway = await startGateway({
    routes: [guarded(root, ['/report.js']), filesIn(root, { guards: closedOtherwise })],
  })
  expect(await statuses(gateway, '/report.js', '/report.js.gz')).toEqual([403, 400])
})
