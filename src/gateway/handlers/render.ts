/**
 * Pages with `{{env "NAME"}}` in them (docs/pages.md). A value is escaped for the place where it stands, so that none can end
 * its string, attribute or element, whatever it holds.
 */
import { extname } from 'node:path'

const placeholder = /\{\{\s*env\s+"([A-Za-z_][A-Za-z0-9_]*)"\s*\}\}/g
/** Elements whose content is no HTML: 1 opening tag, 2 name, 3 content, 4 closing tag. */
const rawElement = /(<(script|style)(?=[\s/>])[^>]*>)([\s\S]*?)(<\/\2(?=[\s/>])[^>]*>|$)/gi
/** The quotes and brackets of a placeholder end no tag. */
const tag = /<[a-z](?:\{\{[^{}]*\}\}|[^>])*>/gi
/** An attribute that is a script: `onclick="…"`. */
const eventAttribute = /\son[a-z]+\s*=\s*(?:"(?:\{\{[^{}]*\}\}|[^"])*"|'(?:\{\{[^{}]*\}\}|[^'])*')/gi

type Render = (page: string, variables: Readonly<Record<string, string>>) => string
type Escape = (value: string) => string

/** How a page is filled in and what it is served as, by the name of its file. */
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

/** Gives what matches to the one, and what stands between to the other. */
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

/** As character references: what could begin a tag or a reference, or end a quoted attribute; CR would be read as LF. */
function escapeText(value: string): string {
  return value.replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** What would end an attribute without quotes, too. */
function escapeAttribute(value: string): string {
  return value.replace(/[&<>"'`=\s]/g, (character) => `&#${character.charCodeAt(0)};`)
}

/**
 * Every character that could end a string of any of the three quotes, a template part, a line, a comment or the element, as
 * `\uXXXX`, which JavaScript and JSON read alike.
 */
function escapeScript(value: string): string {
  return value.replace(/["'`\\<>&$*\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}

/** As `\HHHHHH`, which CSS reads in strings and names alike, all that is not part of a word, a number or a colour. */
function escapeStyle(value: string): string {
  return value.replace(/[^\w#.%, -]/gu, (character) => {
    return `\\${(character.codePointAt(0) ?? 0).toString(16).padStart(6, '0')}`
  })
}
