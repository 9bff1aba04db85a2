/** The example of docs/getting-started.md does what the page says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined
afterEach(async () => void (await gatehouse?.stop()))

it('the first config file of the documentation starts a page and a program', async () => {
  const page = readFileSync(join(projectFolder, 'docs/getting-started.md'), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  expect(example).toContain('":8080"')
  const [, html = ''] = /echo '(.+)' > app\/index.html/.exec(page) ?? []
  const [, program = ''] = /cat > api.js <<'END'\n([\s\S]*?)END\n/.exec(page) ?? []
  gatehouse = startGatehouse({
    // Everything else as it stands there.
    config: `${example.replace('":8080"', '"127.0.0.1:0"')}storage: ./storage\ncontrol: { socket: ./control.sock }\n`,
    files: { 'api.js': program, 'app/index.html': html },
  })
  await gatehouse.ready()
  const url = await gatehouse.url('http')
  expect(await (await fetch(`${url}/api/items`)).text()).toBe('/api/items\n')
  expect(await (await fetch(`${url}/any/page`)).text()).toBe('<h1>Hello</h1>')
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})
