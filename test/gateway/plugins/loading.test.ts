/** What is loaded, when it is loaded anew, and what is said of a plugin that cannot be loaded. */
import { chmodSync, mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ask } from '../clients.ts'
import { certificate, cleanUp, planOf, startGateway } from '../support.ts'
import { pluginAt, pluginFolder, writeFiles } from './support.ts'

afterEach(cleanUp)

const answering = (text: string) => `export default async (app) => { app.get('/*', async () => ${text}) }\n`

/** File → its text, and what is said when it is the plugin. */
const unusable: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  'syntax.ts': ['const a: number = 1\nexport default (\n  function( {\n', /SyntaxError: .* \(\/.*\/syntax\.ts:3\)/],
  'syntax.mjs': ['const a = 1\nexport default (\n  function( {\n', /SyntaxError: .* \(\/.*\/syntax\.mjs:3\)/],
  'syntax.cjs': ['const a = 1\nmodule.exports = (a b)\n', /SyntaxError: .* \(\/.*\/syntax\.cjs:2\)/],
  'imports-syntax.mjs': ["import './syntax.mjs'\nexport default 1\n", /SyntaxError: .* \(\/.*\/syntax\.mjs:3\)/],
  'enum.ts': ['enum Kind { A }\nexport default Kind\n', /enum is not supported .*\/enum\.ts:1\).*no `enum`/],
  'throws.mjs': ["export {}\n\nthrow new TypeError('no luck')\n", /TypeError: no luck \(\/.*\/throws\.mjs:3:7\)/],
  'throws-in-it.ts': [
    'export default async function (app: object): Promise<void> {\n  throw new Error(`no luck with ${typeof app}`)\n}\n',
    /no luck with \w+ \(\/.*\/throws-in-it\.ts:2:9\)/,
  ],
  'throws-nothing.mjs': ['throw undefined\n', /undefined/],
  'rejects-late.mjs': [
    "export default async (app) => { app.addHook('onReady', async () => { throw new Error('not ready') }) }\n",
    /not ready \(\/.*\/rejects-late\.mjs:1:\d+\)/,
  ],
  'registers-twice.mjs': [
    "export default async (app) => { app.get('/', () => 1); app.get('/', () => 2) }\n",
    /Method 'GET' already declared for route '\/' \(\/.*\/registers-twice\.mjs:1:\d+\)/,
  ],
  'no-package.ts': [
    "import x from 'no-such-package'\nexport default x\n",
    /Cannot find package 'no-such-package'.*no-package\.ts.*node_modules beside the plugin/,
  ],
  'no-file.mjs': [
    "import './missing.mjs'\nexport default 1\n",
    /Cannot find module .*missing\.mjs.* imported from .*no-file\.mjs/,
  ],
  'no-export.mjs': [
    "import { none } from './fine.mjs'\nexport default none\n",
    /does not provide an export named 'none' .*no-export\.mjs:1/,
  ],
  'nothing.mjs': ['export const x = 1\n', /its default export is no function/],
  'object.cjs': ['module.exports = { register: 1 }\n', /its default export is no function/],
}

describe('a plugin that cannot be loaded', () => {
  it('refuses the plan, with the place in the config file and its own; the plan before stays', async () => {
    const texts = Object.entries(unusable).map(([name, [text]]) => [name, text])
    const folder = await pluginFolder({ ...Object.fromEntries(texts), 'fine.mjs': answering("'fine'") })
    const fine = pluginAt(join(folder, 'fine.mjs'))
    const gateway = await startGateway({ routes: [fine] })
    for (const [name, [, said]] of Object.entries(unusable)) {
      const refused = gateway.apply({ routes: [fine, pluginAt(join(folder, name), { name: `\`${name}\`` })] })
      await expect(refused, name).rejects.toThrow(said)
      await expect(refused, name).rejects.toThrow(`test.yaml:7:15: plugin \`${name}\` cannot be loaded: `)
      await expect(refused, name).rejects.not.toThrow(/gatehouse=|node:internal/)
      expect((await ask(gateway, 'h1')).body).toBe('fine')
    }
  })

  it('is loaded once it is fixed, and again if that breaks it', async () => {
    const folder = await pluginFolder({ 'p.ts': 'export default (' })
    const routes = [pluginAt(join(folder, 'p.ts'))]
    const gateway = await startGateway({ routes: [] })
    for (const number of [1, 2]) {
      await expect(gateway.apply({ routes })).rejects.toThrow('SyntaxError')
      writeFiles(folder, { 'p.ts': answering(`'fixed ${number}'`) })
      await gateway.apply({ routes })
      expect((await ask(gateway, 'h1')).body).toBe(`fixed ${number}`)
      writeFiles(folder, { 'p.ts': 'export default )' })
    }
  })

  it('costs only its own routes where the plan was in service before, as in a successor of a thread', async () => {
    const folder = await pluginFolder({ 'good.mjs': answering("'good'"), 'bad.mjs': "throw new Error('no luck')\n" })
    const routes = [
      { ...pluginAt(join(folder, 'bad.mjs')), match: { paths: ['/bad'] } },
      pluginAt(join(folder, 'good.mjs')),
    ]
    const gateway = await startGateway({ routes: [] })
    const restore = () => gateway.gateway.apply(planOf({ routes }, gateway.listeners), [certificate], true)
    await restore()
    const answers = async () => [(await ask(gateway, 'h1', { path: '/bad' })).status, (await ask(gateway, 'h1')).body]
    expect(await answers()).toEqual([503, 'good'])
    expect(gateway.errors).toEqual([
      expect.stringMatching(
        /^test\.yaml:7:15: plugin .* cannot be loaded: no luck .*; its routes answer 503 until a reload$/,
      ),
    ])
    // In a thread that has loaded it, the undone reload is as if it had not been.
    writeFiles(folder, { 'good.mjs': "throw new Error('no luck')\n" })
    await restore()
    expect(await answers()).toEqual([503, 'good'])
    writeFiles(folder, { 'good.mjs': answering("'better'"), 'bad.mjs': answering("'fixed'") })
    await gateway.apply({ routes })
    expect(await answers()).toEqual([200, 'better'])
  })

  it('is not run if others may have written one of its files', async () => {
    const folder = await pluginFolder({ 'p.mjs': "export { default } from './q.mjs'\n", 'q.mjs': answering("'fine'") })
    chmodSync(join(folder, 'q.mjs'), 0o666)
    const routes = [pluginAt(join(folder, 'p.mjs'))]
    const gateway = await startGateway({ routes: [] })
    await expect(gateway.apply({ routes })).rejects.toThrow(/q\.mjs is writable by everyone/)
    chmodSync(join(folder, 'q.mjs'), 0o644)
    await gateway.apply({ routes })
    expect((await ask(gateway, 'h1')).body).toBe('fine')
  })
})

describe('a reload', () => {
  /** How the plugin gets its text from a second file. */
  const kinds: readonly (readonly [file: string, text: string, other: string, otherText: (text: string) => string])[] =
    [
      ['p.ts', "import { text } from './other.ts'\n", 'other.ts', (text) => `export const text: string = '${text}'\n`],
      ['p.mjs', "import { text } from './other.cjs'\n", 'other.cjs', (text) => `exports.text = '${text}'\n`],
      ['p.mts', "import text from './other.json' with { type: 'json' }\n", 'other.json', (text) => `"${text}"\n`],
    ]

  it.each(kinds)('sees a change in what %s imports: %s', async (file, head, other, otherText) => {
    const folder = await pluginFolder({ [file]: head + answering('text'), [other]: otherText('one') })
    const routes = [pluginAt(join(folder, file))]
    const gateway = await startGateway({ routes })
    expect((await ask(gateway, 'h1')).body).toBe('one')
    writeFiles(folder, { [other]: otherText('two') })
    expect((await ask(gateway, 'h1')).body).toBe('one')
    await gateway.apply({ routes })
    expect((await ask(gateway, 'h1')).body).toBe('two')
  })

  it('sees changes in CommonJS and in what it requires', async () => {
    const folder = await pluginFolder({
      'p.cjs':
        "const { text } = require('./other.cjs')\nmodule.exports = async (app) => { app.get('/*', async () => text) }\n",
      'other.cjs': "exports.text = 'one'\n",
    })
    const routes = [pluginAt(join(folder, 'p.cjs'))]
    const gateway = await startGateway({ routes })
    writeFiles(folder, { 'other.cjs': "exports.text = 'two'\n" })
    await gateway.apply({ routes })
    expect((await ask(gateway, 'h1')).body).toBe('two')
  })

  it('sees that a link leads elsewhere, as in a ConfigMap', async () => {
    const folder = await pluginFolder({})
    for (const name of ['one', 'two']) {
      mkdirSync(join(folder, name))
      writeFiles(join(folder, name), { 'p.mjs': answering(`'${name}'`) })
    }
    symlinkSync('one', join(folder, 'data'))
    symlinkSync('data/p.mjs', join(folder, 'p.mjs'))
    const routes = [pluginAt(join(folder, 'p.mjs'))]
    const gateway = await startGateway({ routes })
    expect((await ask(gateway, 'h1')).body).toBe('one')
    symlinkSync('two', join(folder, 'next'))
    renameSync(join(folder, 'next'), join(folder, 'data'))
    await gateway.apply({ routes })
    expect((await ask(gateway, 'h1')).body).toBe('two')
    unlinkSync(join(folder, 'p.mjs'))
    await expect(gateway.apply({ routes })).rejects.toThrow('ENOENT')
  })

  it('builds the app anew, evaluates unchanged files once, and closes the app before', async () => {
    const folder = await pluginFolder({
      'p.mjs': `
        globalThis.evaluated = (globalThis.evaluated ?? 0) + 1
        globalThis.closed = []
        let built = 0
        export default async (app, options) => {
          const number = ++built
          app.addHook('onClose', async () => { globalThis.closed.push(number) })
          app.get('/*', async () => ({ number, options, evaluated: globalThis.evaluated, closed: globalThis.closed }))
        }`,
    })
    const route = (options: object) => pluginAt(join(folder, 'p.mjs'), { options: { ...options } })
    const gateway = await startGateway({ routes: [route({ a: '1' })] })
    const first = JSON.parse((await ask(gateway, 'h1')).body)
    expect(first).toEqual({ number: 1, options: { a: '1' }, evaluated: 1, closed: [] })
    await gateway.apply({ routes: [route({ a: '2' })] })
    const second = JSON.parse((await ask(gateway, 'h1')).body)
    expect(second).toEqual({ number: 2, options: { a: '2' }, evaluated: 1, closed: [1] })
    await gateway.stop()
    expect((globalThis as { closed?: unknown }).closed).toEqual([1, 2])
  })

  it('that is refused closes the apps that it has built', async () => {
    const folder = await pluginFolder({
      'p.mjs': `
        globalThis.open = 0
        export default async (app) => {
          globalThis.open += 1
          app.addHook('onClose', async () => { globalThis.open -= 1; globalThis.closedOne?.() })
          app.get('/*', async () => String(globalThis.open))
        }`,
      'bad.mjs': "throw new Error('bad')",
    })
    const good = pluginAt(join(folder, 'p.mjs'))
    const gateway = await startGateway({ routes: [good] })
    const closed = new Promise((resolve) => Object.assign(globalThis, { closedOne: resolve }))
    await expect(gateway.apply({ routes: [good, pluginAt(join(folder, 'bad.mjs'))] })).rejects.toThrow('bad')
    await closed
    expect((await ask(gateway, 'h1')).body).toBe('1')
  })

  it('lets the app before answer what it has begun', async () => {
    const folder = await pluginFolder({
      'p.mjs': `
        const go = Promise.withResolvers()
        let closed = false
        export default async (app) => {
          app.addHook('onClose', async () => { closed = true })
          app.get('/slow', async (request, reply) => { globalThis.begun(); await go.promise; return { closed } })
          app.get('/go', async () => { go.resolve(); return 'gone' })
        }`,
    })
    const routes = [pluginAt(join(folder, 'p.mjs'))]
    const gateway = await startGateway({ routes })
    const begun = new Promise<void>((resolve) => Object.assign(globalThis, { begun: resolve }))
    const slow = ask(gateway, 'h1', { path: '/slow' })
    await begun
    await gateway.apply({ routes })
    expect((await ask(gateway, 'h1', { path: '/go' })).body).toBe('gone')
    expect((await slow).body).toBe('{"closed":false}')
  })
})

describe('a plugin', () => {
  it('finds packages in its own node_modules, and knows the processes', async () => {
    const folder = await pluginFolder({
      'p.ts': `
        import answer from 'answers'
        import type { Nothing } from 'no-such-package'
        export default async function (app: any, _options: Nothing): Promise<void> {
          app.get('/*', async () => ({ answer, processes: app.processes, frozen: Object.isFrozen(app.processes.api) }))
        }`,
    })
    mkdirSync(join(folder, 'node_modules/answers'), { recursive: true })
    writeFiles(join(folder, 'node_modules/answers'), {
      'package.json': '{ "name": "answers", "main": "main.js" }',
      'main.js': 'module.exports = 42\n',
    })
    const gateway = await startGateway({ routes: [pluginAt(join(folder, 'p.ts'))] })
    gateway.gateway.setTargets({
      api: { ready: true, phase: 'running', port: 4_711 },
      'pool http://10.0.0.1:80': { ready: false, phase: 'down' },
    })
    expect(JSON.parse((await ask(gateway, 'h1')).body)).toEqual({
      answer: 42,
      processes: { api: { ready: true, phase: 'running', port: 4_711 } },
      frozen: true,
    })
    gateway.gateway.setTargets({ api: { ready: false, phase: 'stopping' } })
    expect(JSON.parse((await ask(gateway, 'h1')).body).processes).toEqual({ api: { ready: false, phase: 'stopping' } })
  })

  it('writes to the log of the gateway, and may not pose as another part of it', async () => {
    const folder = await pluginFolder({
      'p.mjs': `export default async (app) => {
        app.get('/*', async (request) => {
          request.log.warn({ process: 'supervisor', level: 'info', n: 1 }, 'a %s warning', 'short')
          request.log.error(new Error('an error'))
          app.log.child({ part: 'x' }).error('from %s', 'a child')
          app.log.debug('never')
          return 'logged'
        })
      }`,
    })
    const gateway = await startGateway({ routes: [pluginAt(join(folder, 'p.mjs'))] })
    await ask(gateway, 'h1')
    expect(gateway.warnings).toEqual(['a short warning'])
    expect(gateway.errors).toEqual(['an error', 'from a child'])
  })
})
