/**
 * Renders pages with `{{env "NAME"}}` (docs/pages.md). Values are escaped for their context, so that none can end its
 * string, attribute or element.
 */
import { extname } from 'node:path'

const placeholder = /\{\{\s*env\s+"([A-Za-z_][A-Za-z0-9_]*)"\s*\}\}/g
/** Elements whose content is not HTML: 1 opening tag, 2 name, 3 content, 4 closing tag. */
const rawElement = /(<(script|style)(?=[\s/>])[^>]*>)([\s\S]*?)(<\/\2(?=[\s/>])[^>]*>|$)/gi
/** Quotes and brackets within a placeholder do not end the tag. */
const tag = /<[a-z](?:\{\{[^{}]*\}\}|[^>])*>/gi
/** An attribute that is a script: `onclick="…"`. */
const eventAttribute = /\son[a-z]+\s*=\s*(?:"(?:\{\{[^{}]*\}\}|[^"])*"|'(?:\{\{[^{}]*\}\}|[^'])*')/gi

type Render = (page: string, variables: Readonly<Record<string, string>>) => string
type Escape = (value: string) => string

/** How a page is rendered, and its content type, by its file name. */
export interface PageKind {
  readonly contentType: string
  readonly render: Render
}

const html: PageKind = { contentType: 'text/html; charset=utf-8', render: renderHtml }
const code: PageKind = { contentType: 'text/javascript; charset=utf-8', render: renderAs(escapeScript) }
const kinds: Readonly<Record<string, PageKind>> = {
  '.html': html,
  '.htm': html,
  '.js': code,
  '.mjs': code,
  '.css': { contentType: 'text/css; charset=utf-8', render: renderAs(escapeStyle) },
  '.json': { contentType: 'application/json', render: renderAs(escapeScript) },
  '.map': { contentType: 'application/json', render: renderAs(escapeScript) },
  '.webmanifest': { contentType: 'application/manifest+json', render: renderAs(escapeScript) },
  '.svg': { contentType: 'image/svg+xml', render: renderHtml },
  '.xml': { contentType: 'application/xml', render: renderHtml },
}

export function pageKind(file: string): PageKind {
  return kinds[extname(file).toLowerCase()] ?? { contentType: 'text/plain; charset=utf-8', render: renderHtml }
}

function renderHtml(page: string, variables: Readonly<Record<string, string>>): string {
  return replaceBetween(
    page,
    rawElement,
    ([, open = '', name = '', content = '', close = '']) => {
      const escaped = name.toLowerCase() === 'script' ? escapeScript : escapeStyle
      return renderMarkup(open, variables) + fill(content, variables, escaped) + close
    },
    (markup) => renderMarkup(markup, variables),
  )
}

/** Tags and text outside of scripts and styles. */
function renderMarkup(markup: string, variables: Readonly<Record<string, string>>): string {
  return replaceBetween(
    markup,
    tag,
    ([whole]) => renderTag(whole, variables),
    (text) => fill(text, variables, escapeText),
  )
}

function renderTag(whole: string, variables: Readonly<Record<string, string>>): string {
  return replaceBetween(
    whole,
    eventAttribute,
    ([attribute]) => fill(attribute, variables, escapeScript),
    (rest) => fill(rest, variables, escapeAttribute),
  )
}

/** Replaces the matches by one function, and the text between them by another. */
function replaceBetween(
  text: string,
  pattern: RegExp,
  matching: (match: RegExpExecArray) => string,
  between: (rest: string) => string,
): string {
  let replaced = ''
  let from = 0
  for (const match of text.matchAll(pattern)) {
    replaced += between(text.slice(from, match.index)) + matching(match)
    from = match.index + match[0].length
  }
  return replaced + between(text.slice(from))
}

function renderAs(escaped: Escape): Render {
  return (page, variables) => fill(page, variables, escaped)
}

function fill(text: string, variables: Readonly<Record<string, string>>, escaped: Escape): string {
  return text.replace(placeholder, (_, name: string) =>
    Object.hasOwn(variables, name) ? escaped(variables[name] ?? '') : '',
  )
}

/**
 * Writes characters that could begin a tag or reference, or end a quoted attribute, as references; CR would be read as
 * LF.
 */
function escapeText(value: string): string {
  return value.replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Also escapes what would end an unquoted attribute. */
function escapeAttribute(value: string): string {
  return value.replace(/[&<>"'`=\s]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/**
 * Writes characters that could end a string of any kind, a template part, a line, a comment or the element as `\uXXXX`,
 * which is valid in JavaScript and JSON alike.
 */
function escapeScript(value: string): string {
  return value.replace(/["'`\\<>&$*\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** Writes all but words, numbers and colours as `\HHHHHH`, which is valid in CSS strings and names alike. */
function escapeStyle(value: string): string {
  return value.replace(/[^\w#.%, -]/gu, (character) => {
    return `\\${(character.codePointAt(0) ?? 0).toString(16).padStart(6, '0')}`
  })
}
