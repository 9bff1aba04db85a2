/** h2spec's 145 cases of HTTP/2 against the built binary. Those that do not hold are listed, and argued, in docs/http2.md. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { cleanUp } from '../gateway/support.ts'
import { listening } from '../gateway/upstreams.ts'
import { h2spec } from './parts/h2spec.ts'

const part = await h2spec()
if ('missing' in part) console.log(`skipped: ${part.missing}`)
const program = 'program' in part ? part.program : undefined

/** In the first column of the page's table: `http2/5.1/8`, and further ones of the same section as `/9`. */
function argued(): string[] {
  const page = readFileSync(join(projectFolder, 'docs/http2.md'), 'utf8')
  const cells = [...page.matchAll(/^\| (`[^|]*)\|/gm)].map(([, cell = '']) => cell)
  return cells.flatMap((cell) => {
    const [first = '', ...others] = [...cell.matchAll(/`([\w./]+)`/g)].map(([, name = '']) => name)
    return [first, ...others.map((name) => (name.startsWith('/') ? first.replace(/\/\d+$/, name) : name))]
  })
}

/** By h2spec's own names: the section, and the number of the case in it. */
function casesIn(report: string): { readonly name: string; readonly failed: boolean }[] {
  const numbers = new Map<string, number>()
  return report
    .split('<testcase ')
    .slice(1)
    .map((text) => {
      const section = /package="([^"]*)"/.exec(text)?.[1] ?? ''
      const number = (numbers.get(section) ?? 0) + 1
      numbers.set(section, number)
      return { name: `${section}/${number}`, failed: /<failure|<error/.test(text) }
    })
}

it.skipIf(program === undefined)(
  'h2spec: all cases hold but those that docs/http2.md argues',
  async () => {
    const [https = 0] = await freePorts(1)
    // It reads the body first: an answer that comes before the end of a request closes the stream on which more is sent.
    const upstream = await listening(
      createServer((request, response) => void request.resume().on('end', () => response.end('hello'))),
    )
    onTestFinished(cleanUp)
    const gatehouse = startGatehouse({
      config: `
gateway:
  listeners: { https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ to: "http://127.0.0.1:${upstream.port}" }]
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    onTestFinished(async () => void (await gatehouse.stop()))
    await gatehouse.ready()
    const file = join(gatehouse.folder, 'report.xml')
    const asked = ['-t', '-k', '-h', '127.0.0.1', '-p', String(https), '-o', '2', '-j', file]
    // Its exit code says that some cases do not hold, which we know.
    await new Promise((resolve) => execFile(program ?? '', asked, resolve))
    const cases = casesIn(readFileSync(file, 'utf8'))
    expect(cases).toHaveLength(145)
    const failed = cases.filter((one) => one.failed).map(({ name }) => name)
    expect(failed.toSorted()).toEqual(argued().toSorted())
  },
  120_000,
)
