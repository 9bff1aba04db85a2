/**
 * Compose's `$NAME` and `${NAME...}`. An unset variable is empty in Compose but an error here, and an empty one counts
 * as unset here, unlike with `-` without a colon.
 */
import { marked } from '../marked.ts'
import type { Place, Report } from '../reports.ts'

const form = /\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(:?[-?+])?)/g

export function markVariables(text: string, at: Place, report: Report): string {
  let output = ''
  let position = 0
  form.lastIndex = 0
  for (let match = form.exec(text); match; match = form.exec(text)) {
    const [whole, dollar, bare, braced, operator] = match
    output += text.slice(position, match.index)
    position = match.index + whole.length
    if (dollar) output += '$'
    else if (bare) output += marked(`${bare}:-`)
    else {
      const end = closingBrace(text, position)
      output += markedBraced({ name: braced ?? '', operator, rest: text.slice(position, end) }, at, report)
      position = end + 1
    }
    form.lastIndex = position
  }
  return output + text.slice(position)
}

interface Braced {
  readonly name: string
  readonly operator: string | undefined
  readonly rest: string
}

function markedBraced({ name, operator, rest }: Braced, at: Place, report: Report): string {
  switch (operator) {
    case '-':
      report(at, 'changed', `\`\${${name}-...}\`: the default also applies if ${name} is empty`)
      return marked(`${name}:-${ours(rest)}`)
    case ':-':
      return marked(`${name}:-${ours(rest)}`)
    case '?':
    case ':?':
      return marked(name)
    case '+':
    case ':+':
      report(
        at,
        'untranslated',
        `\`\${${name}${operator}...}\`: text for a variable that is set is not supported; use a block with \`when: { env: ${name} }\``,
      )
      return ''
    default:
      return marked(`${name}:-`)
  }
}

/** A default may hold further variables, in the same two forms. */
function ours(text: string): string {
  return text
    .replace(/\$\$/g, '$')
    .replace(/\$\{(\w+)\}/g, (_, name: string) => `\${${name}:-}`)
    .replace(/\$([A-Za-z_]\w*)/g, (_, name: string) => `\${${name}:-}`)
}

function closingBrace(text: string, start: number): number {
  let depth = 1
  for (let position = start; position < text.length; position += 1) {
    if (text[position] === '{') depth += 1
    if (text[position] === '}') depth -= 1
    if (depth === 0) return position
  }
  return text.length
}
