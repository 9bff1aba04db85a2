/** Recognises config files of other programs, and whether `gatehouse import` translates them. */
import { basename } from 'node:path'

export interface ForeignFile {
  /** As a sentence names it: "this is a Caddyfile". */
  readonly kind: string
  /** What `gatehouse import --format` calls it, if it reads it. */
  readonly format?: Format
}

type Format = 'caddyfile' | 'caddy-json' | 'supervisord' | 'compose'

interface Sign {
  readonly kind: string
  readonly format?: Format
  readonly name?: RegExp
  /** All of them are found in the text; each in linear time. */
  readonly texts?: readonly RegExp[]
}

/** Text that is not YAML, or YAML of another program: the first sign found counts. */
const signs: readonly Sign[] = [
  { kind: 'a Caddyfile', format: 'caddyfile', name: /^caddyfile|caddyfile$/i },
  { kind: 'a Procfile', name: /^procfile/i },
  { kind: 'a PM2 ecosystem file', texts: [/^\s*(?:module\.exports\s*=|export default\b)/] },
  { kind: 'a PM2 ecosystem file', texts: [/^\s*\{\s*"apps"\s*:\s*\[/] },
  { kind: "Caddy's JSON config", format: 'caddy-json', texts: [/^\s*\{\s*"(?:apps|admin|logging|storage)"\s*:\s*\{/] },
  {
    kind: 'a supervisord configuration',
    format: 'supervisord',
    texts: [/^\[(?:program:|group:|supervisord\]|include\])/m],
  },
  { kind: 'a systemd unit', texts: [/^\[(?:Unit|Service|Install|Timer|Socket)\]/m] },
  { kind: 'a Traefik static configuration in TOML', texts: [/^\[(?:entryPoints|providers|http\.routers)/m] },
  {
    kind: 'an nginx configuration',
    texts: [/^[ \t]*(?:server|http|events|upstream[ \t]+\S+|location[ \t][^\n{]*)[ \t]*\{/m, /;[ \t]*$/m],
  },
  {
    kind: 'an HAProxy configuration',
    texts: [/^(?:frontend|backend|listen)[ \t]+\S+$/m, /^[ \t]+(?:bind|server)[ \t]/m],
  },
  {
    kind: 'a Caddyfile',
    format: 'caddyfile',
    // Its first line is not a YAML key, and it has a directive.
    texts: [
      /^(?:[ \t]*(?:#[^\n]*)?\n)*(?![\w"'-]+:(?:\s|$))[^\s#-]/,
      /^[ \t]*(?:reverse_proxy|file_server|respond|redir|encode|handle|php_fastcgi|import|tls|root)(?=[ \t\n{])/m,
    ],
  },
  { kind: 'a Compose file', format: 'compose', texts: [/^services[ \t]*:/m] },
  { kind: 'a Kubernetes manifest', texts: [/^apiVersion[ \t]*:/m, /^kind[ \t]*:/m] },
  { kind: 'a Traefik configuration', texts: [/^(?:entryPoints|providers|certificatesResolvers)[ \t]*:/m] },
  { kind: 'a Traefik configuration', texts: [/^http[ \t]*:[ \t]*\n[ \t]+(?:routers|services|middlewares)[ \t]*:/m] },
  { kind: 'a TOML or INI file', texts: [/^[ \t]*\[[\w.:" -]+\][ \t]*$/m, /^[ \t]*[\w.-]+[ \t]*=/m] },
  { kind: 'a Procfile', texts: [/^web[ \t]*:[ \t]*\S/m] },
]

const ourSections =
  /^["']?(?:version|environment|gateway|upstreams|users|processes|hooks|certificates|trustStores|storage|control|shutdown|metrics|log|when)["']?\s*:/m

/** Undefined: no sign of another program, or it has a section of Gatehouse. */
export function foreignFile(file: string, text: string): ForeignFile | undefined {
  const name = basename(file)
  const seen = signs.find((sign) => sign.name?.test(name) || sign.texts?.every((one) => one.test(text)))
  if (!seen || (ourSections.test(text.replace(/^version\s*:.*$/gm, '')) && !seen.name?.test(name))) return undefined
  return { kind: seen.kind, ...(seen.format && { format: seen.format }) }
}
