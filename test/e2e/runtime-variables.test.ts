/** Variables of the runtime beneath Gatehouse, meant for its programs, must not govern Gatehouse itself (docs/adr/0023-environment.md). */
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type Server } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { freePorts } from './support/free-ports.ts'
import { binary, type Gatehouse, projectFolder, runGatehouse, startGatehouse } from './support/gatehouse.ts'

/** Where some of them would have something written. */
const written = mkdtempSync(join(tmpdir(), 'gatehouse-written-'))

/** What each does to a program that believes it, as far as it matters here: none of it happens to Gatehouse. */
const hidden: Readonly<Record<string, string>> = {
  NODE_TLS_REJECT_UNAUTHORIZED: '0', // no certificate is verified
  NODE_OPTIONS: '--inspect=127.0.0.1:0 --require /nowhere.js', // a debugger, code that is loaded
  NODE_UNIQUE_ID: '1', // a worker of node:cluster: nothing listens
  NODE_CHANNEL_FD: '99', // a channel to a parent, on this descriptor
  NODE_CHANNEL_SERIALIZATION_MODE: 'advanced',
  NODE_CLUSTER_SCHED_POLICY: 'none',
  NODE_V8_COVERAGE: join(written, 'coverage'), // a file at the end
  NODE_REDIRECT_WARNINGS: join(written, 'warnings'), // a file that is appended to
  NODE_REPL_HISTORY: join(written, 'history'),
  NODE_REPL_HISTORY_SIZE: '1',
  NODE_REPL_MODE: 'strict',
  NODE_ICU_DATA: '/nowhere',
  NODE_PATH: '/nowhere', // where modules are looked for
  NODE_PENDING_DEPRECATION: '1',
  NODE_PENDING_PIPE_INSTANCES: '1',
  NODE_PRESERVE_SYMLINKS: '1',
  NODE_PRESERVE_SYMLINKS_MAIN: '1',
  NODE_NO_WARNINGS: '1',
  NODE_NO_READLINE: '1',
  NODE_DISABLE_COLORS: '1',
  NODE_SKIP_PLATFORM_CHECK: '1',
  NODE_TEST_CONTEXT: 'child-v8', // output of a test runner
  NODE_TEST_WORKER_ID: '1',
  NODE_USE_ENV_PROXY: '1', // every request by HTTP_PROXY
  NODE_COMPILE_CACHE_PORTABLE: '1',
  NODE_COMPILE_CACHE_READONLY: '1',
  NODE_DISABLE_COMPILE_CACHE: '1',
  NODE_INSPECT_RESUME_ON_START: '1',
  NODE_BENCH_CONTEXT: 'x',
  NODE_BENCH_FILE_RUN_ID: 'x',
  NODE_BENCH_RUN_ID: 'x',
  NODE_ENV: 'test',
  UV_THREADPOOL_SIZE: '1',
  UV_USE_IO_URING: '1',
  OPENSSL_CONF: '/nowhere/openssl.cnf', // code that is loaded
  OPENSSL_CONF_INCLUDE: '/nowhere',
  OPENSSL_ENGINES: '/nowhere',
  OPENSSL_MODULES: '/nowhere',
  OPENSSL_ia32cap: '0', // weaker arithmetic
  CTLOG_FILE: '/nowhere',
  QLOGDIR: written,
  SSLKEYLOGFILE: join(written, 'keys'), // the keys of all connections
  ICU_TIMEZONE_FILES_DIR: '/nowhere',
  CARES_HOSTS: '/nowhere',
  SIMDUTF_FORCE_IMPLEMENTATION: 'fallback',
  UNDICI_NO_WASM_SIMD: 'true',
  WATCH_REPORT_DEPENDENCIES: '1',
  JEST_WORKER_ID: '1',
  TEAMCITY_VERSION: '1',
  CI_NAME: 'x',
  TERM_PROGRAM: 'x',
  TERM_PROGRAM_VERSION: '1',
  TMUX: '1',
  __MINIMATCH_TESTING_PLATFORM__: 'win32',
  // Of libraries that are in the bundle.
  DEBUG: '*',
  LOG_STREAM: '1',
  LOG_TOKENS: '1',
}

/** Those that count for Gatehouse, too (docs/environment.md), or mean nothing on Linux. */
const counting = new Set(
  'NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy TZ TERM COLORTERM NO_COLOR FORCE_COLOR TMP TEMP'.split(
    ' ',
  ),
)
const ofWindows = new Set(['SystemRoot', 'USERPROFILE', 'comspec', 'windir'])
/** Below: they have to be looked at alone. */
const alone = new Set([
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_COMPILE_CACHE',
  'NODE_USE_SYSTEM_CA',
])

let stranger: Server
let spoken = 0
let gatehouse: Gatehouse | undefined

/** Nobody has a reason to believe it. Counts what clients say to it once they have seen its certificate. */
beforeAll(async () => {
  const { certificate, key } = makeCertificate({ commonName: 'stranger' })
  stranger = createServer({ cert: certificate, key }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', () => {
      spoken += 1
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    })
  })
  await once(stranger.listen(0, '127.0.0.1'), 'listening')
})

afterAll(() => {
  stranger.close()
  rmSync(written, { recursive: true, force: true })
})
afterEach(async () => {
  spoken = 0
  await gatehouse?.stop()
  gatehouse = undefined
})

const reporter = `processes: { reporter: { command: [sh, -c, "cat /proc/$$/environ > seen && exec sleep 1000"] } }`

async function seenBy({ folder, waitFor }: Gatehouse): Promise<Record<string, string>> {
  await waitFor({ message: 'ready' })
  await expect.poll(() => existsSync(join(folder, 'seen')) && readFileSync(join(folder, 'seen')).length).toBeTruthy()
  const entries = readFileSync(join(folder, 'seen'), 'utf8').split('\0').filter(Boolean)
  return Object.fromEntries(
    entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

describe.each([
  ['the binary', binary],
  [
    'the sources, by scripts/node.sh',
    ['/bin/sh', join(projectFolder, 'scripts/node.sh'), join(projectFolder, 'src/main.ts')],
  ],
])('%s', (_, command) => {
  it('believes no certificate of a stranger, whatever the environment says, and passes all of it on', async () => {
    const url = `https://127.0.0.1:${(stranger.address() as AddressInfo).port}`
    const config = `
control: { socket: ./control.sock }
storage: ./storage
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  rateLimitStore: { redis: "${url.replace('https', 'rediss')}/0" }
  routes:
    - { path: /guarded/*, to: up, auth: { forward: "${url}/verify" } }
    - { path: /limited/*, rateLimit: { requests: 5, window: 1s }, respond: { body: limited } }
    - { to: up }
upstreams: { up: { targets: ["${url}"] } }
hooks: [{ on: ready, url: "${url}/hook" }]
certificates: [{ domains: [app.example.test], use: [{ acme: { directory: "${url}/directory", email: ops@example.test } }] }]
${reporter}`
    gatehouse = startGatehouse({ config, command, env: hidden })
    expect(await seenBy(gatehouse)).toMatchObject(hidden)
    const http = await gatehouse.url('http')
    expect((await fetch(`${http}/plain`)).status).toBe(502)
    expect((await fetch(`${http}/guarded/x`)).status).not.toBe(200)
    expect(await (await fetch(`${http}/limited/x`)).text()).toBe('limited')
    await gatehouse.waitFor({ message: /hook.*certificate/ })
    await gatehouse.waitFor({ message: /ACME server.*certificate/ })
    expect(spoken).toBe(0)
    expect(gatehouse.stderr).toBe('')
    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(readdirSync(written)).toEqual([])
  })
})

// Node itself has obeyed these before our first line: a line on stderr, an empty folder, the system's certificates read.
it.each([
  ['NODE_DEBUG', 'net,tls,http,https,http2,child_process,cluster,worker,module'],
  ['NODE_DEBUG_NATIVE', 'DIAGNOSTICS'],
  ['NODE_USE_SYSTEM_CA', '1'],
])('says nothing of its inside for %s', async (name, value) => {
  const config = `
control: { socket: ./control.sock }
gateway: { listeners: { http: { address: "127.0.0.1:0" } }, routes: [{ respond: { body: hi } }] }
${reporter}`
  gatehouse = startGatehouse({ config, env: { [name]: value } })
  expect(await seenBy(gatehouse)).toMatchObject({ [name]: value })
  expect(await (await fetch(await gatehouse.url('http'))).text()).toBe('hi')
  expect(gatehouse.stderr).not.toMatch(/^(NET|TLS|HTTP2?|HTTPS|CHILD_PROCESS|CLUSTER|WORKER) /m)
})

it('keeps no compiled code where NODE_COMPILE_CACHE says', async () => {
  const config = `control: { socket: ./control.sock }\n${reporter}`
  const cache = join(written, 'compiled')
  gatehouse = startGatehouse({ config, env: { NODE_COMPILE_CACHE: cache } })
  expect(await seenBy(gatehouse)).toMatchObject({ NODE_COMPILE_CACHE: cache })
  gatehouse.signal('SIGTERM')
  await gatehouse.exit
  // Node has made the folder by the time that Gatehouse begins.
  const files = readdirSync(cache, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  expect(files).toEqual([])
})

it('loads nothing that OPENSSL_CONF names, and is not ended by a file with mistakes', async () => {
  const [port = 0] = await freePorts(1)
  const config = `control: { socket: ./control.sock }
gateway: { listeners: { http: { address: "127.0.0.1:${port}" } }, routes: [{ respond: { body: hi } }] }`
  gatehouse = startGatehouse({ config, env: { OPENSSL_CONF: import.meta.filename } })
  await gatehouse.ready()
  connect(port, '127.0.0.1').destroy()
})

it('reads no .env, node.config.json or package.json of the folder it is started in', async () => {
  const config = `control: { socket: ./control.sock }\n${reporter}`
  const files = {
    '.env': 'FROM_DOT_ENV=1\n',
    'node.config.json': '{ "nodeOptions": { "import": ["./evil.mjs"] } }',
    'package.json': '{ "type": "module", "imports": { "#x": "./evil.mjs" } }',
    'evil.mjs': 'process.exit(99)',
  }
  gatehouse = startGatehouse({ config, files })
  expect(await seenBy(gatehouse)).not.toHaveProperty('FROM_DOT_ENV')
})

it('knows every variable that this Node reads', () => {
  const text = readFileSync(process.execPath, 'latin1')
  const read = new Set([...text.matchAll(/\bprocess\.env\.([A-Za-z_]\w{2,})/g)].map(([, name = '']) => name))
  for (const [, name = ''] of text.matchAll(/\n([A-Z]+_[A-Z_0-9]+) {2,}[a-z]/g)) read.add(name)
  expect(read.size).toBeGreaterThan(20)
  const known = (name: string) => name in hidden || counting.has(name) || ofWindows.has(name) || alone.has(name)
  expect([...read].filter((name) => !known(name))).toEqual([])
})

describe('variables that are not UTF-8', () => {
  // Only a shell can set them: Node encodes whatever it passes on.
  const shell = (words: string) => ['sh', '-c', `${words} exec "$@"`, 'sh', ...binary]

  it.each([
    ['a value', `export PASSWORD="$(printf 's\\377cret')";`, 'PASSWORD'],
    ['a name', `exec env "$(printf 'NA\\377ME')=secret" "$@";`, 'NA\\\\xffME'],
    [
      'one beside a variable of the runtime',
      `export PASSWORD="$(printf 's\\377cret')" NODE_PENDING_DEPRECATION=1;`,
      'PASSWORD',
    ],
  ])('are refused by name: %s', async (_, words, name) => {
    const command = shell(words)
    for (const verb of ['check', 'run', 'plan']) {
      const { code, stdout, stderr } = await runGatehouse([verb, join(import.meta.dirname, '../../config/demo.yaml')], {
        command: ['/usr/bin/env', ...command],
      })
      expect({ verb, code, stderr }).toEqual({
        verb,
        code: 1,
        stderr: expect.stringMatching(new RegExp(`variable ${name} is not valid UTF-8`)),
      })
      expect(stdout + stderr).not.toMatch(/cret/)
    }
  })

  it('are distinguished from U+FFFD, which is a character like any other', async () => {
    const odd = { ODD: 'a\uFFFDb', 'ODD NÄME': 'ü=\n"\'$x' }
    gatehouse = startGatehouse({
      config: `control: { socket: ./control.sock }\n${reporter}`,
      env: { ...odd, NODE_NO_WARNINGS: '1' },
    })
    expect(await seenBy(gatehouse)).toMatchObject(odd)
  })

  it('an empty value, one with = and a long one are passed on unchanged', async () => {
    const odd = { EMPTY: '', EQUALS: '=a=b=', LONG: 'x'.repeat(100_000) }
    gatehouse = startGatehouse({
      config: `control: { socket: ./control.sock }\n${reporter}`,
      env: { ...odd, UV_THREADPOOL_SIZE: '2' },
    })
    expect(await seenBy(gatehouse)).toMatchObject(odd)
  })
})
