import { spawnSync } from 'node:child_process'
import { findProgram } from '../../scripts/debian-parts.ts'
import { otherRoutes, type Peer, type Site, write } from './site.ts'

export const nginx: Peer = {
  name: 'nginx',
  features: ['proxy', 'files', 'gzip', 'rate limit', 'reload'],
  package: 'nginx-light',
  find() {
    const program = findProgram('nginx')
    if (program === undefined) return undefined
    const { stderr } = spawnSync(program, ['-v'], { encoding: 'utf8' })
    return { program, version: /nginx\/(\S+)/.exec(stderr)?.[1] ?? 'unknown' }
  },
  prepare: nginxCommand,
}

function nginxCommand(site: Site, program: string): readonly string[] {
  const limit =
    site.rateLimit === 0
      ? ''
      : `limit_req_zone $binary_remote_addr zone=clients:10m rate=${site.rateLimit}r/s;
  limit_req zone=clients burst=${site.rateLimit} nodelay;`
  const proxy = 'proxy_pass http://origin;'
  return nginxWith(
    site.folder,
    program,
    site.threads,
    `access_log ${site.accessLog ? `${site.folder}/access.log` : 'off'};
  ${limit}
  upstream origin { server 127.0.0.1:${site.origin}; keepalive 64; keepalive_requests 100000000; }
  map $http_upgrade $connection_header { default upgrade; "" ""; }
  server {
    listen 127.0.0.1:${site.http} backlog=4096 reuseport;
    listen 127.0.0.1:${site.https} ssl http2 backlog=4096 reuseport;
    keepalive_requests 100000000;
    http2_max_concurrent_streams 1000;
    ssl_certificate ${site.certificate};
    ssl_certificate_key ${site.key};
    ssl_session_cache shared:sessions:10m;
    client_max_body_size 150m;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header Connection $connection_header;
    proxy_set_header Upgrade $http_upgrade;
    gzip on;
    gzip_types text/css;
    gzip_static on;
    open_file_cache max=1000;
    ${otherRoutes(site)
      .map((path) => `location ${path}/ { ${proxy} }\n    `)
      .join('')}location = /version { return 200 "${site.version}"; }
    location /live/ { proxy_pass http://127.0.0.1:${site.live}; proxy_buffering off; }
    location /files/ { root ${site.files}; }
    location / { ${proxy} }
  }`,
  )
}

/** nginx with this `http` block, in the foreground, with all its files in the folder. */
export function nginxWith(folder: string, program: string, workers: number, http: string): readonly string[] {
  const file = write(
    { folder },
    'nginx.conf',
    `daemon off;
user root;
worker_processes ${workers};
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 16000; }
http {
  types { text/css css; text/html html; }
  variables_hash_max_size 2048;
  server_names_hash_max_size 8192;
  client_body_temp_path ${folder};
  proxy_temp_path ${folder};
  fastcgi_temp_path ${folder};
  uwsgi_temp_path ${folder};
  scgi_temp_path ${folder};
  ${http}
}
`,
  )
  return [program, '-c', file, '-e', `${folder}/error.log`]
}
