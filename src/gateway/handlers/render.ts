/**
 * Pages with `{{env "NAME"}}` in them. A value is escaped for the place where it stands: inside `<script>` for a
 * JavaScript string, elsewhere for HTML text and attribute values. So no value can end its string, attribute or element.
 */
const placeholder = /\{\{\s*env\s+"([A-Za-z_][A-Za-z0-9_]*)"\s*\}\}/g
const script = /(<script\b[^>]*>)([\s\S]*?)(<\/script\s*>|$)/gi

export function renderPage(page: string, variables: Readonly<Record<string, string>>): string {
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

function fill(text: string, variables: Readonly<Record<string, string>>, escaped: (value: string) => string): string {
  return text.replace(placeholder, (_, name: string) =>
    Object.hasOwn(variables, name) ? escaped(variables[name] ?? '') : '',
  )
}

function escapeHtml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Every character that could end a string of any of the three quotes, a template part, a line or the script element. */
function escapeScript(value: string): string {
  return value.replace(/["'`\\<>&$\p{Cc}\u2028\u2029]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
