import { execFileSync } from 'node:child_process'
import { presentBinary } from '../guard/build.ts'
import { otherRoutes, type Peer, type Site, write } from './site.ts'

export const gatehouse: Peer = {
  name: 'gatehouse',
  features: ['proxy', 'files', 'gzip', 'br', 'zstd', 'h2c', 'rate limit', 'reload', 'processes'],
  find() {
    const program = presentBinary()
    return { program, version: execFileSync(program, ['--version'], { encoding: 'utf8' }).trim() }
  },
  prepare: gatehouseCommand,
}

/** Writes the configuration of Gatehouse and returns the command line of this binary. Its access log is its output. */
export function gatehouseCommand(site: Site, program: string): readonly string[] {
  const target = site.h2c ? `h2c://127.0.0.1:${site.originH2c}` : `http://127.0.0.1:${site.origin}`
  const limit = site.rateLimit === 0 ? '' : `\n  rateLimit: { requests: ${site.rateLimit} }`
  const others = otherRoutes(site).map((path) => `\n    - { path: ${path}/*, to: "${target}" }`)
  const file = write(
    site,
    'gatehouse.yaml',
    `gateway:
  listeners:
    http: { address: "127.0.0.1:${site.http}" }
    https: { address: "127.0.0.1:${site.https}", tls: true }
  accessLog: ${site.accessLog}
  threads: ${site.threads}${limit}
  routes:${others.join('')}
    - { path: /version, respond: { body: "${site.version}" } }
    - { path: /live/*, to: "http://127.0.0.1:${site.live}" }
    - { path: /files/*, files: { root: ${site.files} } }
    - { to: "${target}" }
certificates:
  - { domains: [localhost], use: [{ files: { certificate: ${site.certificate}, key: ${site.key} } }] }
processes: {${Array.from({ length: site.processes }, (_, n) => ` idle-${n}: { command: [sleep, infinity] }`).join()} }
storage: ./storage
control: { socket: ./control.sock }
`,
  )
  return [program, 'run', file]
}
