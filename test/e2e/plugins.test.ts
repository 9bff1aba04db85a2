/** Plugins in the binary: the example, reloads, and plugins that break. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type Gatehouse, projectFolder, runGatehouse, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

const common = `
storage: ./storage
control: { socket: ./control.sock }
`

function start(routes: string, files: Readonly<Record<string, string>>, threads = 2): Gatehouse {
  const config = `${common}
gateway:
  threads: ${threads}
  listeners: { http: { address: "127.0.0.1:0" } }
  routes:
${routes}
`
  gatehouse = startGatehouse({ config, files })
  return gatehouse
}

const answering = (text: string) => `
export default async function (app: any, options: { suffix?: string }): Promise<void> {
  app.get('/', async (): Promise<string> => \`${text}\${options.suffix ?? ''}\`)
}
`

describe('the example in config/', () => {
  it('runs in the binary with its package, and no request fails while it is reloaded', {
    timeout: 60_000,
  }, async () => {
    const storage = { GATEHOUSE_TEST: 'plugins' }
    const text = readFileSync(join(projectFolder, 'config/plugins.yaml'), 'utf8')
    const source = `"${join(projectFolder, 'config/plugins/flags.ts')}"`
    // The limit is for visitors, not for this load.
    const adapted = text.replace('plugins/flags.ts', source).replace('requests: 100', 'requests: 1000000')
    const config = `${adapted}${common}`
    gatehouse = startGatehouse({ config, env: { PORT: '0', FLAGS_SECRET: 'between us', ...storage } })
    const { url, ready, signal, waitFor, lines, file } = gatehouse
    await ready()
    const flags = `${await url('http')}/flags`
    const first = await fetch(flags)
    expect(first.headers.get('x-content-type-options')).toBe('nosniff')
    const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect(cookie).toMatch(/^visitor=[-\w]+\.[^ ]+$/)
    const own = await first.json()
    expect(own).toMatchObject({ darkMode: true, oldEditor: false })

    let loaded = true
    let answered = 0
    const clients = Array.from({ length: 4 }, async () => {
      while (loaded) {
        const answer = await fetch(flags, { headers: { cookie } })
        expect(answer.status).toBe(200)
        expect(answer.headers.get('set-cookie')).toBe(null)
        await answer.json()
        answered += 1
      }
    })
    for (const share of [60, 70, 80]) {
      writeFileSync(file, config.replace('newSearch: 25', `newSearch: ${share}`))
      const after = lines.length
      signal('SIGHUP')
      await waitFor({ reload: 'done' }, { after })
      const more = answered + 20
      while (answered < more) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    loaded = false
    await Promise.all(clients)
    const failed = lines.filter(({ message, status }) => message === 'request' && status !== 200)
    expect(failed).toEqual([])

    writeFileSync(file, config.replace('newSearch: 25', 'newSearch: 250'))
    const after = lines.length
    signal('SIGHUP')
    const refused = await waitFor({ reload: 'refused' }, { after })
    expect(JSON.stringify(refused)).toMatch(
      /gatehouse\.yaml:\d+:\d+: plugin .*feature newSearch: expected a percentage/,
    )
    expect((await fetch(flags, { headers: { cookie } })).status).toBe(200)
    expect(JSON.stringify(lines)).not.toContain('between us')
  })
})

describe('a plugin file', () => {
  it('that cannot be loaded stops a start, with its place and that in the config file', async () => {
    const { exit } = start('    - { path: /, plugin: bad.ts }', { 'bad.ts': 'const a: number = 1\nexport default (\n' })
    const running = gatehouse as Gatehouse
    expect((await exit).code).not.toBe(0)
    const said = running.stderr + JSON.stringify(running.lines)
    expect(said).toMatch(/gatehouse\.yaml:9:26: plugin `bad\.ts` cannot be loaded: SyntaxError: .*bad\.ts:2/)
  })

  it('that changes is seen by a reload; one that breaks refuses it, in every thread', async () => {
    const running = start('    - { path: /, plugin: { file: p.ts, options: { suffix: "!" } } }', {
      'p.ts': answering('one'),
    })
    await running.ready()
    const url = await running.url('http')
    const answers = async () => {
      const all = await Promise.all(Array.from({ length: 12 }, () => fetch(url, { headers: { connection: 'close' } })))
      return [...new Set(await Promise.all(all.map((answer) => answer.text())))]
    }
    const reload = (outcome: string) => {
      const after = running.lines.length
      running.signal('SIGHUP')
      return running.waitFor({ reload: outcome }, { after })
    }
    expect(await answers()).toEqual(['one!'])
    writeFileSync(join(running.folder, 'p.ts'), answering('two'))
    await reload('done')
    expect(await answers()).toEqual(['two!'])
    writeFileSync(join(running.folder, 'p.ts'), `${answering('three')}\nthrow new Error('no luck')\n`)
    expect(JSON.stringify(await reload('refused'))).toMatch(/plugin `p\.ts` cannot be loaded: no luck \(.*p\.ts:6:7\)/)
    expect(await answers()).toEqual(['two!'])
  })

  it('that others may write is an error of check', async () => {
    const running = start('    - { path: /, plugin: p.ts }', { 'p.ts': answering('one') })
    await running.ready()
    chmodSync(join(running.folder, 'p.ts'), 0o646)
    const { code, stdout, stderr } = await runGatehouse(['check', running.file])
    expect(code).toBe(1)
    expect(stdout + stderr).toMatch(/gatehouse\.yaml:9:26: error: plugin `p\.ts` is writable by everyone: anyone/)
  })
})

describe('a plugin that breaks', () => {
  const breaking = `
export default async function (app: any): Promise<void> {
  app.get('/', async () => 'fine')
  app.get('/throws', async () => { throw new Error('no luck') })
  app.get('/timer', (request: any, reply: any) => { setTimeout(() => { throw new Error('no luck in a timer') }, 1); reply.send('soon') })
  app.get('/exits', () => { process.exit(0) })
  app.get('/blocks', () => { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 7_000) })
}
`

  it('costs a request or a thread, never the run', { timeout: 60_000 }, async () => {
    const running = start('    - { path: /other, respond: {} }\n    - { plugin: p.ts }', { 'p.ts': breaking }, 1)
    await running.ready()
    const url = await running.url('http')
    const ask = (path: string) => fetch(url + path, { headers: { connection: 'close' } })
    // A connection that arrives in the instant in which the replaced thread closes its port is reset.
    const get = async (path: string) => {
      for (;;) {
        const answer = await ask(path)
          .then(async (taken) => ({ status: taken.status, body: await taken.text() }))
          .catch(() => undefined)
        if (answer) return answer
      }
    }
    /** Asks until the line comes: the thread that was replaced last may have taken the connection, and ends with it. */
    const askUntil = async (path: string, line: Promise<unknown>) => {
      let come = false
      const waiting = line.then(() => {
        come = true
      })
      while (!come) {
        await Promise.race([waiting, ask(path).catch(() => {})])
        await Promise.race([waiting, pause(1_000)])
      }
    }
    expect(await get('/throws')).toEqual({ status: 500, body: '500 Internal Server Error\n' })
    const said = await running.waitFor({ level: 'error', message: /^plugin `p\.ts`: no luck$/ })
    expect(said.stack).toMatch(/p\.ts:4:\d+/)
    for (const [path, message] of [
      ['/timer', /^gateway thread 1 threw: no luck in a timer; starting a replacement/],
      ['/exits', /^gateway thread 1 exited with code 0; starting a replacement/],
      ['/blocks', /^gateway thread 1 hangs: its event loop was blocked for 5 s; starting a replacement/],
    ] as const) {
      const after = running.lines.length
      await askUntil(path, running.waitFor({ level: 'error', message }, { after }))
      await running.waitFor({ message: /^gateway thread 1 was replaced in/ }, { after })
      expect(await get('/')).toEqual({ status: 200, body: 'fine' })
    }
    // Broken on disk since the last reload: the successor serves everything else.
    writeFileSync(join(running.folder, 'p.ts'), 'export default (')
    const after = running.lines.length
    const unloadable = { level: 'error', message: /cannot be loaded: .*its routes answer 503/ }
    await askUntil('/timer', running.waitFor(unloadable, { after }))
    await running.waitFor({ message: /^gateway thread 1 was replaced in/ }, { after })
    while ((await get('/')).status !== 503); // the thread before may have got the connection
    expect((await get('/other')).status).toBe(200)
  })
})
