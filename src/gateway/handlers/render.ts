/**
 * Pages with `{{env "NAME"}}` in them. A value is escaped for the place where it stands: in scripts and JSON for a string,
 * elsewhere for HTML text and attribute values. So no value can end its string, attribute or element.
 */
import { extname } from 'node:path'

const placeholder = /\{\{\s*env\s+"([A-Za-z_][A-Za-z0-9_]*)"\s*\}\}/g
const script = /(<script\b[^>]*>)([\s\S]*?)(<\/script\s*>|$)/gi

type Render = (page: string, variables: Readonly<Record<string, string>>) => string

/** How a page is filled in and what it is served as, by the name of its file. */
export interface PageKind {
  readonly contentType: string
  readonly render: Render
}

const html: PageKind = { contentType: 'text/html; charset=utf-8', render: renderHtml }
const code: PageKind = { contentType: 'text/javascript; charset=utf-8', render: renderScript }
const kinds: Readonly<Record<string, PageKind>> = {
  '.html': html,
  '.htm': html,
  '.js': code,
  '.mjs': code,
  '.json': { contentType: 'application/json', render: renderScript },
  '.webmanifest': { contentType: 'application/manifest+json', render: renderScript },
  '.svg': { contentType: 'image/svg+xml', render: renderHtml },
  '.xml': { contentType: 'application/xml', render: renderHtml },
}

export function pageKind(file: string): PageKind {
  return kinds[extname(file)] ?? { contentType: 'text/plain; charset=utf-8', render: renderHtml }
}

function renderHtml(page: string, variables: Readonly<Record<string, string>>): string {
  let rendered = ''
  let from = 0
  for (const match of page.matchAll(script)) {
    const [whole, open = '', body = '', close = ''] = match
    rendered += fill(page.slice(from, match.index) + open, variables, escapeHtml)
    rendered += fill(body, variables, escapeScript) + close
    from = match.index + whole.length
  }
  return rendered + fill(page.slice(from), variables, escapeHtml)
}

function renderScript(page: string, variables: Readonly<Record<string, string>>): string {
  return fill(page, variables, escapeScript)
}

function fill(text: string, variables: Readonly<Record<string, string>>, escaped: (value: string) => string): string {
  return text.replace(placeholder, (_, name: string) =>
    Object.hasOwn(variables, name) ? escaped(variables[name] ?? '') : '',
  )
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/**
 * Every character that could end a string of any of the three quotes, a template part, a line or the script element, as
 * `\uXXXX`, which JavaScript and JSON read alike.
 */
function escapeScript(value: string): string {
  return value.replace(/["'`\\<>&$\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
