import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { findProgram } from '../../scripts/debian-parts.ts'
import { otherRoutes, type Peer, type Site, write } from './site.ts'

export const haproxy: Peer = {
  name: 'haproxy',
  features: ['proxy', 'h2c', 'rate limit'],
  package: 'haproxy',
  find() {
    const program = findProgram('haproxy')
    if (program === undefined) return undefined
    const { stdout } = spawnSync(program, ['-v'], { encoding: 'utf8' })
    return { program, version: /version ([\d.]+)/.exec(stdout)?.[1] ?? 'unknown' }
  },
  prepare(site, program) {
    const file = write(site, 'haproxy.cfg', configurationOf(site))
    return [program, '-f', file, '-db']
  },
}

function configurationOf(site: Site): string {
  // It takes certificate and key from one file.
  const pem = write(site, 'both.pem', readFileSync(site.certificate, 'utf8') + readFileSync(site.key, 'utf8'))
  const origin = site.h2c ? `127.0.0.1:${site.originH2c} proto h2` : `127.0.0.1:${site.origin}`
  const limit = [
    '  stick-table type ip size 100k expire 10s store http_req_rate(1s)',
    '  http-request track-sc0 src',
    `  http-request deny deny_status 429 if { sc_http_req_rate(0) gt ${site.rateLimit} }`,
  ].join('\n')
  return `global
  nbthread ${site.threads}
  ${site.accessLog ? 'log stdout format raw local0' : ''}
defaults
  mode http
  ${site.accessLog ? 'log global\n  option httplog' : ''}
  timeout connect 3s
  timeout client 75s
  timeout server 120s
  timeout tunnel 1h
frontend front
  bind 127.0.0.1:${site.http} backlog 4096
  bind 127.0.0.1:${site.https} ssl crt ${pem} alpn h2,http/1.1 backlog 4096
${site.rateLimit === 0 ? '' : limit}
  http-request return status 200 content-type text/plain string ${site.version} if { path /version }
  use_backend live if { path_beg /live/ }
${otherRoutes(site)
  .map((path) => `  use_backend origin if { path_beg ${path}/ }`)
  .join('\n')}
  default_backend origin
backend origin
  http-reuse always
  server origin ${origin}
backend live
  option http-no-delay
  server live 127.0.0.1:${site.live}
`
}
