/** Upstreams that read paths in their own way, each in front of one folder. `open` resolves with the port. */
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { part } from '../../parts.ts'
import { freePort, temporaryFolder, whenOver } from '../support.ts'
import { upstream } from '../upstreams.ts'

export interface Reader {
  readonly name: string
  /** Its program is not installed. */
  readonly missing?: boolean
  open(root: string): Promise<number>
}

const nginx = part('nginx')
const python = part('python3')
const java = part('javac')

export const readers: readonly Reader[] = [
  { name: 'nginx', missing: nginx === undefined, open: (root) => openNginx(nginx ?? '', root) },
  {
    name: 'python3 -m http.server',
    missing: python === undefined,
    open: (root) =>
      openProgram([python ?? '', '-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', root, '0']),
  },
  {
    name: "Java's own server",
    missing: java === undefined,
    open: (root) => openProgram(['java', resolve(import.meta.dirname, '../../fixtures/readers/UriReader.java'), root]),
  },
  { name: 'Express', open: openExpress },
  { name: 'Node, with new URL()', open: (root) => openReading(root, (url) => new URL(url, 'http://a').pathname) },
  { name: 'Node, by the raw path', open: (root) => openReading(root, (url) => pathOf(url)) },
  { name: 'Tomcat, as it reads', open: (root) => openReading(root, asTomcat) },
  { name: 'IIS, as it reads', open: (root) => openReading(root, asIis) },
]

async function openNginx(program: string, root: string): Promise<number> {
  const folder = await temporaryFolder()
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (use) => `${use}_temp_path ${folder}/${use};`,
  )
  await writeFile(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice; events {}
     http { access_log off; ${temporary.join(' ')} server { listen 127.0.0.1:${port}; root ${root}; } }`,
  )
  await started([program, '-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], /nginx\/\d/)
  return port
}

async function openProgram(command: readonly string[]): Promise<number> {
  return Number(
    (await started(command, /port (\d+)|listening on (\d+)/)).find((text, i) => i > 0 && text !== undefined),
  )
}

/** Resolves with what the program says when it is ready; it is ended with the test. */
async function started([program = '', ...words]: readonly string[], ready: RegExp): Promise<RegExpExecArray> {
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise((over) => child.once('close', over))
  whenOver(() => {
    child.kill('SIGKILL')
    return gone
  })
  let said = ''
  return new Promise((resolveReady, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk) => {
        said = (said + chunk).slice(-10_000)
        const found = ready.exec(said)
        if (found) resolveReady(found)
      })
    child.once('error', reject)
    void gone.then(() => reject(new Error(`${program} ended: ${said}`)))
  })
}

async function openExpress(root: string): Promise<number> {
  const express = createRequire(import.meta.url)('express')
  const app = express()
  app.get('/exact/key.txt', (_request: unknown, response: { send(text: string): void }) => response.send('TOPSECRET'))
  app.get('/secret', (_request: unknown, response: { send(text: string): void }) => response.send('TOPSECRET'))
  app.use(express.static(root))
  return (await upstream(app as RequestListener)).port
}

/** One in this process: `read` makes a path of what was asked, which is decoded once and opened. */
async function openReading(root: string, read: (url: string) => string): Promise<number> {
  const { port } = await upstream((request, response) => {
    open(root, request, read).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    )
  })
  return port
}

async function open(root: string, { url = '' }: IncomingMessage, read: (url: string) => string): Promise<Buffer> {
  const path = decodeURIComponent(read(url))
  if (path.includes('\0')) throw new Error('not a path')
  const file = join(root, path)
  if (!file.startsWith(root)) throw new Error('outside')
  return readFile(path.endsWith('/') ? `${file}index.html` : file)
}

function pathOf(url: string): string {
  return url.replace(/\?.*$/, '')
}

/** Parameters go first, then it is decoded, with backslashes for slashes where that is allowed. */
function asTomcat(url: string): string {
  return pathOf(url)
    .replace(/;[^/]*/g, '')
    .replace(/%5c/gi, '/')
}

/** Whatever the case; without dots and blanks at the end of a name. */
function asIis(url: string): string {
  return pathOf(url)
    .replace(/%5c|%2f/gi, '/')
    .toLowerCase()
    .replace(/[^/]+/g, withoutEnd)
}

/** Three dots and more are a name, as Microsoft's documents on path formats say. */
function withoutEnd(name: string): string {
  const bare = name.replace(/(?:%20|%09)+$/, '')
  return /^\.+$/.test(bare) ? bare : bare.replace(/(?:\.|%20|%09)+$/, '')
}
