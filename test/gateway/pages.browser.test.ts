/** What a real browser makes of rendered pages: its parsers for HTML, JavaScript, JSON and CSS are the judges. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Browser, openBrowser } from '../e2e/support/browser.ts'
import { part } from '../parts.ts'
import { cleanUp, startGateway, temporaryFolder } from './support.ts'

const parts = { chromium: part('chromium') ?? '', certutil: part('certutil') ?? '' }

const ascii = Array.from({ length: 126 }, (_, i) => String.fromCharCode(i + 1)).join('')
const values = [
  ascii,
  [...ascii].reverse().join(''),
  `"'\`\\</script></style><!--]]>-->\${1}{{env "V"}}&quot;&#39;&lt;\\u003c\\22`,
  '\x7f\x80\x85\xa0\u2028\u2029\ufeffé😀',
  `' onclick=alert(1) x='`,
  '" onclick=alert(1) x="',
  '><img src=x onerror="window.broken = true">',
  '</title></textarea></p><script>window.broken = true</script>',
  `');window.broken = true;//`,
  '}*{display:none}/*',
  '*/}*{display:none}',
]

const place = '{{env "V"}}'
const page = `<!doctype html><html><head><meta charset="utf-8"><title>${place}</title>
<style>#text::after { content: "${place}"; font-family: '${place}' }</style></head><body>
<!-- ${place} --><!-- ${place}
--><p id="text" title="${place}" data-single='${place}' data-bare=${place}>${place}</p>
<textarea>-${place}</textarea>
<button onclick="window.clicked = '${place}'" onfocus='window.focused = "${place}"'></button>
<script>window.quoted = ["${place}", '${place}', \`${place}\`] // ${place}
/* ${place} */</script>
<script type="application/json">{"v": "${place}"}</script>
<svg><style>.x { content: "${place}" }</style><script>window.drawn = "${place}"</script></svg>
<p id="last">last</p></body></html>`

/** Everything that the page holds of the value, by place. Runs in the browser. */
function readBack() {
  const { document } = globalThis as unknown as { document: BrowserDocument }
  const seen = globalThis as unknown as Record<string, unknown>
  const text = document.querySelector('#text')
  const button = document.querySelector('button')
  button.click()
  button.dispatchEvent(new Event('focus'))
  return {
    title: document.querySelector('title').textContent,
    text: text.textContent,
    attribute: text.getAttribute('title'),
    single: text.getAttribute('data-single'),
    bare: text.getAttribute('data-bare'),
    area: document.querySelector('textarea').textContent.slice(1),
    clicked: seen.clicked,
    focused: seen.focused,
    quoted: seen.quoted,
    drawn: seen.drawn,
    json: JSON.parse(document.querySelector('script[type]').textContent).v,
    broken: seen.broken,
    attributes: text.getAttributeNames(),
    elements: document.querySelectorAll('body > *').length,
    last: document.querySelector('#last').textContent,
    rules: document.styleSheets[0]?.cssRules.length,
  }
}

/** As much of the browser's world as is asked about: this project has no types of it. */
interface BrowserElement {
  readonly textContent: string
  getAttribute(name: string): string | null
  getAttributeNames(): string[]
  click(): void
  dispatchEvent(event: Event): void
}
interface BrowserDocument {
  querySelector(selector: string): BrowserElement
  querySelectorAll(selector: string): { readonly length: number }
  readonly styleSheets: readonly { readonly cssRules: { readonly length: number } }[]
}

describe.skipIf(!parts.chromium || !parts.certutil)('a rendered page in a browser', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openBrowser(parts)
  })
  afterEach(cleanUp)
  afterAll(() => browser?.close())

  async function open(value: string): Promise<Page> {
    const root = await temporaryFolder()
    await writeFile(join(root, 'index.html'), page)
    const render = { files: ['index.html'], variables: { V: value } }
    const { http } = await startGateway({
      routes: [{ kind: 'files', root, existingOnly: false, except: [], fallback: 'index.html', render }],
    })
    const tab = await browser.context.newPage()
    await tab.goto(`http://127.0.0.1:${http}/`)
    return tab
  }

  it.each(values.map((value) => [JSON.stringify(value), value]))(
    'holds %s in every place as it is',
    async (_json, value) => {
      const tab = await open(value)
      const v = value
      expect(await tab.evaluate(readBack)).toEqual({
        title: v,
        text: v,
        attribute: v,
        single: v,
        bare: v,
        area: v,
        clicked: v,
        focused: v,
        quoted: [v, v, v],
        drawn: v,
        json: v,
        broken: undefined,
        attributes: ['id', 'title', 'data-single', 'data-bare'],
        elements: 7,
        last: 'last',
        rules: 1,
      })
      await tab.close()
    },
  )
})
