/** Finds variables in the syntax of other programs, which would silently be plain text here. */
import type { Severity } from '../diagnostics.ts'
import type { Path } from '../yaml/located.ts'

export interface ForeignVariable {
  readonly severity: Severity
  /** A sentence. */
  readonly message: string
  /** The whole text as Gatehouse writes it. */
  readonly replacement: string
}

/** nginx variables that have a placeholder here. */
const nginxPlaceholders: Readonly<Record<string, string>> = {
  host: '{host}',
  http_host: '{host}',
  server_name: '{host}',
  request_uri: '{uri}',
  uri: '{path}',
  scheme: '{scheme}',
  remote_addr: '{client}',
  request_id: '{request_id}',
}

const caddy = /\{\$([A-Z_][A-Z0-9_]*)(?::([^{}]*))?\}|\{env\.([A-Za-z_]\w*)\}/g
const supervisord = /%\(ENV_([A-Za-z_]\w*)\)s/g
const nginx = new RegExp(`\\$(${Object.keys(nginxPlaceholders).join('|')})\\b`, 'g')
const compose = /\$\$(?=[A-Za-z_])/g

/** `{$NAME}`, `$NAME`, `--port=$PORT`, `$HOME/x`; no more than that, since `$` is common in passwords. */
const bareVariable = /^((?:-[\w-]*=)?)(?:\{\$([A-Z_][A-Z0-9_]*)\}|\$([A-Z_][A-Z0-9_]+))((?:\/[\w./-]*)?)$/

/** Texts that programs get as they are: some of this may mean something to them. */
const isForPrograms = (path: Path) => path.some((key) => /^(command|exec|run|set|body|words?|create)$/.test(`${key}`))
/** Texts that may contain placeholders of the request. */
const isForRequests = (path: Path) =>
  path.some((key) => /^(redirect|rewrite|headers|host|path|stripPrefix|cacheControl)$/.test(`${key}`))

export function findForeignVariable(text: string, path: Path): ForeignVariable | undefined {
  if (!/[$%]|\{env\./.test(text)) return undefined
  const [found] = text.match(supervisord) ?? []
  if (found !== undefined) return foreignVariable(found, 'supervisord', text.replaceAll(supervisord, '${$1}'))
  if (!isForPrograms(path)) {
    const [variable] = text.match(caddy) ?? []
    const replacement = (_: string, name?: string, otherwise?: string, env?: string) =>
      `\${${name ?? env ?? ''}${otherwise ? `:-${otherwise}` : ''}}`
    if (variable !== undefined) return foreignVariable(variable, 'Caddy', text.replaceAll(caddy, replacement))
    const [value] = isForRequests(path) ? (text.match(nginx) ?? []) : []
    if (value !== undefined)
      return foreignVariable(
        value,
        'nginx',
        text.replaceAll(nginx, (_, name: string) => nginxPlaceholders[name] ?? ''),
      )
  }
  const bare = isForPrograms(path) ? unexpanded(text, path) : undefined
  if (bare) return bare
  if (!text.match(compose)) return undefined
  const message = 'in Compose `$$` is an escaped `$`: here it stays `$$`'
  return { severity: 'warning', message, replacement: text.replaceAll(compose, '$') }
}

/** Only warnings: no shell expands arguments or values of variables, but a program may want them literally. */
function unexpanded(text: string, path: Path): ForeignVariable | undefined {
  if (path.includes('body') || path.includes('create')) return undefined
  const [, before = '', braced, name, behind = ''] = bareVariable.exec(text) ?? []
  const found = braced ?? name
  if (found === undefined) return undefined
  const message = `this variable is passed on as text: ${braced ? 'Caddy' : 'a shell'} would expand it, Gatehouse does not`
  return { severity: 'warning', message, replacement: `${before}\${${found}}${behind}` }
}

function foreignVariable(found: string, program: string, replacement: string): ForeignVariable {
  const severity = 'error'
  return { severity, message: `\`${found}\` is ${program}'s syntax for a variable: here it is plain text`, replacement }
}
