/** The upstream of all servers: nginx, which answers from its configuration, cheaper than any proxy in front of it. */
import { nginxWith } from './nginx.ts'

const keepAlive = 'proxy_http_version 1.1; proxy_set_header Connection "";'

/**
 * The command of an origin: 80 bytes on most paths, at once; the same on /post/, once the whole body is read; files
 * below /origin/.
 */
export function originCommand(
  folder: string,
  program: string,
  { http, h2c, files }: { readonly http: number; readonly h2c: number; readonly files: string },
): readonly string[] {
  return nginxWith(
    folder,
    program,
    1,
    `access_log off;
  open_file_cache max=100;
  client_max_body_size 150m;
  client_body_buffer_size 2m;
  upstream sink { server 127.0.0.1:${http}; keepalive 64; }
  server {
    listen 127.0.0.1:${http} backlog=4096;
    listen 127.0.0.1:${h2c} http2 backlog=4096;
    keepalive_requests 100000000;
    http2_max_concurrent_streams 1000;
    location / { return 200 "${'h'.repeat(80)}"; }
    location /post/ { proxy_pass http://sink/; proxy_pass_request_body off; proxy_set_header Content-Length ""; ${keepAlive} }
    location /origin/ { alias ${files}/files/; }
  }`,
  )
}
