/** The example of docs/getting-started.md does what the page says. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { type Gatehouse, projectFolder, source, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined
afterEach(async () => void (await gatehouse?.stop()))

const program = `
import { createServer } from 'node:http'
const port = Number(process.argv[2].split('=')[1])
createServer((request, response) => response.end('the program saw ' + request.url)).listen(port, '127.0.0.1')
`

it('the first config file of the documentation starts a page and a program', async () => {
  const page = readFileSync(join(projectFolder, 'docs/getting-started.md'), 'utf8')
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  expect(example).toContain('":8080"')
  gatehouse = startGatehouse({
    command: source,
    // Everything else as it stands there.
    config: `${example.replace('":8080"', '"127.0.0.1:0"')}storage: ./storage\ncontrol: { socket: ./control.sock }\n`,
    files: { 'api.js': program, 'package.json': '{"type":"module"}', 'site/index.html': 'the page' },
  })
  await gatehouse.ready()
  const url = await gatehouse.url('http')
  expect(await (await fetch(`${url}/api/items`)).text()).toBe('the program saw /api/items')
  expect(await (await fetch(`${url}/any/page`)).text()).toBe('the page')
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
})
