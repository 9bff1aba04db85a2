import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, it } from 'vitest'
import { pageKind } from '../../src/gateway/handlers/render.ts'
import { ask, protocols } from './clients.ts'
import { cleanUp, type PlanOptions, startGateway, temporaryFolder } from './support.ts'

afterEach(cleanUp)

const withinASecond = { timeout: 1_000, interval: 20 }

const renderPage = pageKind('index.html').render

describe('a rendered page', () => {
  const nasty = `"'\`\\</script><!--\${1}\n\u2028&é😀`

  it.each(['"', "'", '`'])('gives a script inside %s the value itself, whatever it holds', (quote) => {
    const page = renderPage(`<script>seen = ${quote}{{env "V"}}${quote}</script>`, { V: nasty })
    const body = /^<script>([\s\S]*)<\/script>$/.exec(page)?.[1] ?? ''
    expect(body).not.toMatch(/<\/script|<!--/)
    expect(runInNewContext(`${body}; seen`)).toBe(nasty)
  })

  it('cannot be left by a value in text or in an attribute', () => {
    const page = renderPage(`<p title="{{env "V"}}" alt='{{env "V"}}'>{{env "V"}}</p>`, { V: `"'><script>&` })
    expect(page).toBe(`<p title="${escaped}" alt='${escaped}'>${escaped}</p>`)
  })
  const escaped = '&#34;&#39;&#62;&#60;script&#62;&#38;'

  it('escapes by the place: a script tag in capitals, with attributes, or never closed is a script too', () => {
    for (const page of [
      '<SCRIPT>"{{env "V"}}"</SCRIPT>',
      '<script type="module">"{{env "V"}}"</script >',
      '<script>"{{env "V"}}"',
    ]) {
      expect(renderPage(page, { V: '</script>' })).toContain('"\\u003c/script\\u003e"')
    }
    expect(renderPage('<script src="{{env "V"}}"></script>', { V: '"' })).toBe('<script src="&#34;"></script>')
  })

  it('gets nothing for a variable that it may not use, not even an inherited one', () => {
    expect(renderPage('[{{env "SECRET"}}{{env "constructor"}}{{ env "A" }}]', { A: 'a' })).toBe('[a]')
  })

  it('does not render what a value brings along', () => {
    expect(renderPage('{{env "A"}}', { A: '{{env `B`}} {{env "B"}}', B: 'b' })).not.toContain(' b')
  })

  it('keeps everything else as it was', () => {
    const page = '<!doctype html>\r\n{{ other }} {{env A}} $& $1 <script>a < b && `${c}`</script>'
    expect(renderPage(page, { A: 'a' })).toBe(page)
  })
})

describe.each(protocols)('rendered pages over %s', (protocol) => {
  async function start() {
    const root = await temporaryFolder()
    await mkdir(join(root, 'sub'))
    await writeFile(join(root, 'index.html'), '<p>{{env "APP_NAME"}}</p>')
    await writeFile(join(root, 'sub/config.js'), '"{{env "APP_NAME"}}"')
    const options = (variables: Readonly<Record<string, string>>): PlanOptions => {
      const render = { files: ['index.html', 'sub/config.js'], variables }
      const files = { root, existingOnly: false, except: [], fallback: 'index.html', cacheControl: 'no-cache', render }
      return { routes: [{ kind: 'files', ...files }] }
    }
    const gateway = await startGateway(options({ APP_NAME: 'Caf\u00e9 & Co' }))
    return {
      root,
      reload: (variables: Readonly<Record<string, string>>) => gateway.apply(options(variables)),
      get: (path: string, headers = {}, method = 'GET') => ask(gateway, protocol, { path, headers, method }),
    }
  }

  it('are served by their name, as index and as fallback', async () => {
    const { get } = await start()
    const body = Buffer.from('<p>Café &#38; Co</p>').toString('latin1')
    for (const path of ['/', '/index.html', '/deep/link']) {
      const answer = await get(path)
      expect(answer).toMatchObject({ status: 200, body })
      expect(answer.headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
    }
  })

  it('that are scripts or JSON are served and escaped as such, not as text that no browser would run', async () => {
    const { get } = await start()
    const answer = await get('/sub/config.js')
    expect(answer.headers['content-type']).toBe('text/javascript; charset=utf-8')
    expect(runInNewContext(answer.body)).toBe(Buffer.from('Café & Co').toString('latin1'))
    expect(JSON.parse(pageKind('a.json').render('["{{env "V"}}"]', { V: '"\\\n\u2028\'' }))).toEqual(['"\\\n\u2028\''])
  })

  it('answer conditions by the tag of what was rendered', async () => {
    const { get } = await start()
    const { etag } = (await get('/')).headers as { etag: string }
    for (const condition of [etag, `W/${etag}`, `"a", ${etag}`, '*']) {
      expect(await get('/', { 'if-none-match': condition })).toMatchObject({ status: 304, body: '' })
    }
    expect((await get('/', { 'if-none-match': '"other"' })).status).toBe(200)
    expect(await get('/', {}, 'HEAD')).toMatchObject({
      status: 200,
      body: '',
      headers: { etag, 'content-length': '21' },
    })
  })

  it('are other pages after a reload with other values, at once', async () => {
    const { get, reload } = await start()
    const before = await get('/')
    await reload({ APP_NAME: 'Other' })
    const after = await get('/', { 'if-none-match': String(before.headers.etag) })
    expect(after).toMatchObject({ status: 200, body: '<p>Other</p>' })
  })

  it('are rendered anew when the file changed, and 404 when it is gone', async () => {
    const { root, get } = await start()
    await get('/')
    await writeFile(join(root, 'index.html'), 'new {{env "APP_NAME"}}')
    await expect.poll(async () => (await get('/')).body, withinASecond).toContain('new Caf')
    await rm(join(root, 'index.html'))
    await expect.poll(async () => (await get('/')).status, withinASecond).toBe(404)
    const gone = await get('/')
    expect(gone.headers).not.toHaveProperty('cache-control')
  })
})
