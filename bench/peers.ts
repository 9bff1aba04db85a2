/** Gatehouse and its peers, each with the smallest equivalent configuration: a proxy and a folder, no access log. */
import { existsSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export interface Site {
  /** Folder for the configuration and whatever else the server writes. */
  readonly folder: string
  readonly port: number
  /** Port of the upstream on 127.0.0.1. */
  readonly upstream: number
  /** Folder of static files, served below /files/. */
  readonly files: string
}

export interface Peer {
  readonly name: string
  /** The program it needs. */
  readonly program: string
  readonly serves: readonly ('proxy' | 'file')[]
  /** Writes its configuration and returns its command line. */
  prepare(site: Site): readonly string[]
}

const project = resolve(import.meta.dirname, '..')

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

export const gatehouse: Peer = {
  name: 'gatehouse',
  program: join(project, 'dist/gatehouse'),
  serves: ['proxy', 'file'],
  prepare({ folder, port, upstream, files }) {
    const file = write(
      folder,
      'gatehouse.yaml',
      `gateway:
  listeners: { http: { address: "127.0.0.1:${port}" } }
  accessLog: false
  routes:
    - { path: /files/*, files: { root: ${files} } }
    - { to: "http://127.0.0.1:${upstream}" }
storage: ./storage
control: { socket: ./control.sock }
`,
    )
    return [this.program, 'run', file]
  },
}

const caddy: Peer = {
  name: 'caddy',
  program: '/usr/bin/caddy',
  serves: ['proxy', 'file'],
  prepare({ folder, port, upstream, files }) {
    const file = write(
      folder,
      'Caddyfile',
      `{
  admin off
  auto_https off
  storage file_system ${folder}
}
http://127.0.0.1:${port} {
  handle /files/* {
    root * ${files}
    file_server
  }
  handle {
    reverse_proxy 127.0.0.1:${upstream}
  }
}
`,
    )
    return [this.program, 'run', '--config', file, '--adapter', 'caddyfile']
  },
}

export const nginx: Peer = {
  name: 'nginx',
  program: '/usr/sbin/nginx',
  serves: ['proxy', 'file'],
  prepare: (site) =>
    nginxCommand(
      site.folder,
      `upstream origin { server 127.0.0.1:${site.upstream}; keepalive 64; }
  server {
    listen 127.0.0.1:${site.port} backlog=4096;
    keepalive_requests 1000000;
    location /files/ { root ${site.files}; }
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }`,
    ),
}

/** nginx with this `http` block, in the foreground, with all its files in the folder. */
export function nginxCommand(folder: string, http: string): readonly string[] {
  const file = write(
    folder,
    'nginx.conf',
    `daemon off;
user root;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  ${http}
}
`,
  )
  return [nginx.program, '-c', file, '-e', `${folder}/error.log`]
}

const haproxy: Peer = {
  name: 'haproxy',
  program: '/usr/sbin/haproxy',
  serves: ['proxy'],
  prepare({ folder, port, upstream }) {
    const file = write(
      folder,
      'haproxy.cfg',
      `global
  nbthread 1
defaults
  mode http
  timeout connect 3s
  timeout client 75s
  timeout server 120s
frontend front
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  http-reuse always
  server origin 127.0.0.1:${upstream}
`,
    )
    return [this.program, '-f', file, '-db']
  },
}

export const peers: readonly Peer[] = [caddy, nginx, haproxy]

export function isInstalled({ program }: Peer): boolean {
  return existsSync(program)
}
