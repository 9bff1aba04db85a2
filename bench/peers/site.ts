/** What every server of a benchmark serves, each by a configuration of its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Site {
  /** Folder for the configuration and whatever else the server writes. */
  readonly folder: string
  /** Ports to listen on, on 127.0.0.1. */
  readonly http: number
  /** HTTP/1.1 and HTTP/2 over TLS. */
  readonly https: number
  /** Ports of the upstreams on 127.0.0.1: HTTP/1.1, and HTTP/2 without TLS. */
  readonly origin: number
  readonly originH2c: number
  /** Port of the upstream of /live/*: WebSockets and event streams. */
  readonly live: number
  /** Answer to /version, a response of the server's own: changes with a reload. */
  readonly version: string
  /** Folder of static files, served below /files/. Everything else goes to the upstream. */
  readonly files: string
  /** For localhost: PEM files. */
  readonly certificate: string
  readonly key: string
  /** Writes a line for each request to a file in the folder. */
  readonly accessLog: boolean
  readonly threads: 1 | 2
  /** Routes in front of the one to the upstream that do not match: paths /route-N/*, each proxied. */
  readonly routes: number
  /** Sends requests to the HTTP/2 upstream instead. */
  readonly h2c: boolean
  /** Programs to supervise that do nothing. */
  readonly processes: number
  /** Counts every request against a limit of so many requests a second, which is never reached; 0: no limit. */
  readonly rateLimit: number
}

/** What only some servers can do; `processes`: supervise programs. */
export type Feature = 'proxy' | 'files' | 'gzip' | 'br' | 'zstd' | 'h2c' | 'rate limit' | 'reload' | 'processes'

export interface Peer {
  readonly name: string
  readonly features: readonly Feature[]
  /** Debian package that it can be installed from. */
  readonly package?: string
  /** Its program and version, or undefined if it is not there and cannot be built. */
  find(): Found | undefined
  /** Writes its configuration and returns its command line. */
  prepare(site: Site, program: string): readonly string[]
  /** Has a running server read its configuration again; default: SIGHUP. */
  reload?(site: Site): Promise<void>
}

export interface Found {
  readonly program: string
  readonly version: string
}

/** Writes a file of this name to the folder of the site and returns its path. */
export function write({ folder }: Pick<Site, 'folder'>, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

/** The paths of the routes that never match. */
export function otherRoutes({ routes }: Pick<Site, 'routes'>): readonly string[] {
  return Array.from({ length: routes }, (_, index) => `/route-${index}`)
}
