/** The newest Caddy, built by Go, and Debian's. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { findProgram } from '../../scripts/debian-parts.ts'
import { type Found, otherRoutes, type Peer, type Site, write } from './site.ts'

const newest = '2.11.9'
const module = 'github.com/caddyserver/caddy/v2/cmd/caddy'
const cache = resolve(import.meta.dirname, '../../node_modules/.cache/gatehouse-bench/caddy')

const common = {
  features: ['proxy', 'files', 'gzip', 'br', 'zstd', 'h2c', 'reload'],
  prepare: (site: Site, program: string) => [
    program,
    'run',
    '--config',
    writeCaddyfile(site),
    '--adapter',
    'caddyfile',
  ],
  reload: reloadCaddy,
} as const

export const caddy: Peer = { ...common, name: 'caddy', find: () => findNewest() ?? buildNewest() }

export const debianCaddy: Peer = {
  ...common,
  name: 'caddy-debian',
  package: 'caddy',
  find() {
    const program = '/usr/bin/caddy'
    if (!existsSync(program)) return undefined
    const { stdout } = spawnSync(program, ['version'], { encoding: 'utf8' })
    return { program, version: stdout.trim().split(' ')[0] || 'unknown' }
  },
}

function findNewest(): Found | undefined {
  const program = [join(cache, 'caddy'), join(homedir(), 'go/bin/caddy')].find(
    (path) => existsSync(path) && versionOf(path) === newest,
  )
  return program === undefined ? undefined : { program, version: newest }
}

/** Of its main module, since `caddy version` does not know it in such a build. */
function versionOf(program: string): string | undefined {
  const { stdout } = spawnSync(program, ['build-info'], { encoding: 'utf8' })
  return /^mod\s+\S+\s+v(\S+)/m.exec(stdout)?.[1]
}

/** Takes minutes the first time. */
function buildNewest(): Found | undefined {
  const go = findProgram('go') ?? ['/usr/local/go/bin/go'].find((path) => existsSync(path))
  if (go === undefined) return undefined
  console.log(`Building Caddy ${newest} ...`)
  mkdirSync(cache, { recursive: true })
  const env = { ...process.env, GOBIN: cache }
  const { status, stderr } = spawnSync(go, ['install', `${module}@v${newest}`], { env, encoding: 'utf8' })
  if (status !== 0) console.log(`go install failed: ${stderr.slice(-500)}`)
  return findNewest()
}

export function caddyCommand(site: Site, program: string): readonly string[] {
  // It saves its configuration there.
  const home = ['env', `XDG_CONFIG_HOME=${site.folder}`, `XDG_DATA_HOME=${site.folder}`]
  return [...home, program, 'run', '--config', writeCaddyfile(site), '--adapter', 'caddyfile']
}

/** Returns its path. */
function writeCaddyfile(site: Site): string {
  const target = site.h2c ? `h2c://127.0.0.1:${site.originH2c}` : `127.0.0.1:${site.origin}`
  const routes = otherRoutes(site).map((path) => `  handle ${path}/* {\n    reverse_proxy ${target}\n  }`)
  return write(
    site,
    'Caddyfile',
    `{
  admin unix/${site.folder}/admin.sock
  auto_https off
  storage file_system ${site.folder}
  log {
    level WARN
  }
  servers {
    protocols h1 h2
  }
}
(site) {
  bind 127.0.0.1
  ${site.accessLog ? `log {\n    output file ${site.folder}/access.log {\n      roll_disabled\n    }\n  }` : ''}
${routes.join('\n')}
  handle /version {
    respond ${site.version}
  }
  handle /live/* {
    reverse_proxy 127.0.0.1:${site.live}
  }
  handle /files/* {
    root * ${site.files}
    file_server {
      precompressed br zstd gzip
    }
  }
  handle {
    reverse_proxy ${target}
  }
}
http://:${site.http} {
  import site
}
https://:${site.https} {
  tls ${site.certificate} ${site.key}
  import site
}
`,
  )
}

/** Through its admin API, as `caddy reload` does. */
function reloadCaddy(site: Site): Promise<void> {
  const body = readFileSync(join(site.folder, 'Caddyfile'))
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'text/caddyfile', 'content-length': body.length, host: '127.0.0.1' }
    request({ socketPath: join(site.folder, 'admin.sock'), path: '/load', method: 'POST', headers }, (response) => {
      response.resume()
      if (response.statusCode === 200) resolve()
      else reject(new Error(`Caddy answers ${response.statusCode} to a reload`))
    })
      .on('error', reject)
      .end(body)
  })
}
