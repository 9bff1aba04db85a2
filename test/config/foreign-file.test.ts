/** `check` names the kind of a file of another program. */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { foreignFile } from '../../src/config/hints/foreign-file.ts'

test.each<[file: string, kind: string, format: string | undefined, text: string]>([
  ['Caddyfile', 'a Caddyfile', 'caddyfile', ''],
  ['prod.caddyfile', 'a Caddyfile', 'caddyfile', 'a.example\nrespond "hi"\n'],
  ['site', 'a Caddyfile', 'caddyfile', 'a.example.com {\n  reverse_proxy localhost:9000\n}\n'],
  ['site', 'a Caddyfile', 'caddyfile', '{\n  email me@example.com\n}\n\n:80 {\n\troot * /srv\n\tfile_server\n}\n'],
  ['site', 'a Caddyfile', 'caddyfile', ':2015\n\nrespond "Hello"\n'],
  ['caddy.json', "Caddy's JSON config", 'caddy-json', '{ "apps": { "http": { "servers": {} } } }'],
  [
    'supervisord.conf',
    'a supervisord configuration',
    'supervisord',
    '[supervisord]\nnodaemon=true\n\n[program:a]\ncommand=x\n',
  ],
  ['docker-compose.yml', 'a Compose file', 'compose', 'version: "3"\nservices:\n  a: { image: b }\n'],
  [
    'nginx.conf',
    'an nginx configuration',
    undefined,
    'events {}\nhttp {\n  server {\n    listen 80;\n    location / { proxy_pass http://127.0.0.1; }\n  }\n}\n',
  ],
  ['a.conf', 'an nginx configuration', undefined, 'server {\n  listen 80;\n  server_name a;\n}\n'],
  ['haproxy.cfg', 'an HAProxy configuration', undefined, 'frontend web\n  bind :80\n  default_backend app\n'],
  ['web.service', 'a systemd unit', undefined, '[Unit]\nDescription=x\n\n[Service]\nExecStart=/bin/x\n'],
  ['Procfile', 'a Procfile', undefined, 'web: node server.js\nworker: node worker.js\n'],
  ['ecosystem.config.js', 'a PM2 ecosystem file', undefined, 'module.exports = {\n  apps: [{ script: "a.js" }]\n}\n'],
  ['ecosystem.json', 'a PM2 ecosystem file', undefined, '{ "apps": [{ "script": "a.js" }] }'],
  ['traefik.yml', 'a Traefik configuration', undefined, 'entryPoints:\n  web:\n    address: ":80"\n'],
  ['dynamic.yml', 'a Traefik configuration', undefined, 'http:\n  routers:\n    a: { rule: "Host(`a`)" }\n'],
  ['traefik.toml', 'a Traefik static configuration in TOML', undefined, '[entryPoints]\n  [entryPoints.web]\n'],
  ['pod.yaml', 'a Kubernetes manifest', undefined, 'apiVersion: v1\nkind: Pod\nspec: {}\n'],
])('%s is %s', (file, kind, format, text) => {
  expect(foreignFile(file, text)).toEqual({ kind, ...(format && { format }) })
})

const root = join(import.meta.dirname, '../..')
const ours = globSync(['test/golden/*.yaml', 'config/{appsmith,demo,sidecar}.yaml'], { cwd: root })

test.each(ours)('%s is none', (file) => {
  expect(foreignFile(basename(file), readFileSync(join(root, file), 'utf8'))).toBeUndefined()
})

test('is found in linear time', () => {
  const started = performance.now()
  foreignFile('a', 'x\n'.repeat(200_000))
  foreignFile('a', 'a {\n'.repeat(100_000))
  foreignFile('a', `frontend x\n${'  y\n'.repeat(100_000)}`)
  expect(performance.now() - started).toBeLessThan(3_000)
})
