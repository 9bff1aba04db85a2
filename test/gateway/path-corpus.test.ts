import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { h2Session, type Protocol, protocols, rawSocket, text, tlsSocket } from './clients.ts'
import { corpusFiles, type PathRow, pathCorpus } from './path-corpus.ts'
import { cleanUp, host, proxyTo, type RunningGateway, startGateway, temporaryFolder } from './support.ts'
import { upstream } from './upstreams.ts'

interface PathAnswer {
  readonly status: number
  readonly route: string
  readonly body: string
}

const refused: PathAnswer = { status: 400, route: '', body: '400 Bad Request\n' }
/** The rows as they are over this protocol. */
function rowsOver(protocol: Protocol): readonly (readonly [string, PathRow])[] {
  return pathCorpus.map((row) => {
    return [label(row), row.onlyOverH2 && protocol !== 'h2' ? { target: row.target } : row]
  })
}

const label = ({ target }: PathRow) => JSON.stringify(target)

/** The target on the wire as it stands in the table: ordinary clients would normalize it. */
function ask(gateway: RunningGateway, protocol: Protocol, target: string): Promise<PathAnswer> {
  return protocol === 'h2' ? askH2(gateway, target) : askH1(gateway, protocol, target)
}

async function askH1(gateway: RunningGateway, protocol: 'h1' | 'h1s', target: string): Promise<PathAnswer> {
  const socket = protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https)
  socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 'latin1')
  const [head = '', ...body] = (await text(socket)).split('\r\n\r\n')
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]),
    route: /^x-route: (.*)$/im.exec(head)?.[1] ?? '',
    body: body.join('\r\n\r\n'),
  }
}

async function askH2(gateway: RunningGateway, target: string): Promise<PathAnswer> {
  const session = h2Session(gateway)
  const stream = session.request({ ':path': target, ':authority': host })
  let answer: PathAnswer = refused
  stream.on('response', (headers) => {
    answer = { status: Number(headers[':status']), route: String(headers['x-route'] ?? ''), body: '' }
  })
  const body = await text(stream).catch(() => undefined)
  session.destroy()
  return body === undefined ? refused : { ...answer, body: answer === refused ? refused.body : body }
}

const isPrivate = (path: string) => path.toLowerCase().startsWith('/private/')

describe('the path corpus', () => {
  it('has no row twice, and enough of them', () => {
    expect(new Set(pathCorpus.map(({ target }) => target)).size).toBe(pathCorpus.length)
    expect(pathCorpus.length).toBeGreaterThan(60)
  })
})

describe.each(protocols)('against files over %s', (protocol) => {
  let gateway: RunningGateway

  beforeAll(async () => {
    const parent = await temporaryFolder()
    const root = join(parent, 'root')
    for (const [name, content] of Object.entries(corpusFiles)) {
      await mkdir(dirname(join(root, name)), { recursive: true })
      await writeFile(join(root, name), content)
    }
    await writeFile(join(parent, 'outside.txt'), 'OUTSIDE')
    const files = { kind: 'files' as const, root, existingOnly: false, except: [] }
    gateway = await startGateway({
      routes: [
        { ...files, match: { paths: ['/private/*'] }, response: { 'X-Route': 'private' } },
        { ...files, response: { 'X-Route': 'public' } },
      ],
    })
  })
  afterAll(cleanUp)

  it.each(rowsOver(protocol))('%s', async (_label, { target, path, file, logged = path }) => {
    const answer = await ask(gateway, protocol, target)
    expect(answer.body).not.toMatch(/OUTSIDE|HIDDEN|root:/)
    if (path === undefined) return expect(answer).toEqual(refused)
    // Errors bear no headers of a route; the log names it.
    if (file === undefined) expect(answer).toEqual({ status: 404, route: '', body: '404 Not Found\n' })
    else expect(answer).toEqual({ status: 200, route: isPrivate(path) ? 'private' : 'public', body: file })
    expect(answer.body.startsWith('PRIVATE') && answer.route !== 'private').toBe(false)
    const record = await gateway.waitForRecord((one) => one.path === logged)
    expect(record.route).toBe(isPrivate(path) ? 'route 0' : 'route 1')
  })
})

describe.each(protocols)('against a recording upstream over %s', (protocol) => {
  let gateway: RunningGateway
  const seen: { readonly by: string; readonly url: string }[] = []

  beforeAll(async () => {
    const recording = async (by: string) => {
      const { port } = await upstream((request, response) => {
        seen.push({ by, url: request.url ?? '' })
        response.end('recorded')
      })
      return proxyTo(port)
    }
    gateway = await startGateway({
      routes: [{ ...(await recording('private')), match: { paths: ['/private/*'] } }, await recording('public')],
    })
  })
  afterAll(cleanUp)

  it.each(rowsOver(protocol))('%s', async (_label, { target, path }) => {
    seen.length = 0
    const answer = await ask(gateway, protocol, target)
    if (path === undefined) {
      expect(answer).toEqual(refused)
      return expect(seen).toEqual([])
    }
    expect(answer).toMatchObject({ status: 200, body: 'recorded' })
    const query = target.includes('?') ? target.slice(target.indexOf('?')) : ''
    expect(seen).toEqual([{ by: isPrivate(path) ? 'private' : 'public', url: path + query }])
    // Normalizing it once more gives the same path, so no upstream can read another one.
    expect(new URL(`http://upstream.example${path}`).pathname).toBe(path)
  })
})
