/** Directives about the path of a request and its files: `root`, `rewrite`, `uri`, `try_files`. */
import { pathTemplate as exactTemplate, pathPrefix } from '../../../config/schema/gateway/paths.ts'
import type { Notes } from '../notes.ts'
import type { State } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { fixedValue, type Reader } from '../syntax/lines.ts'
import { ourText } from '../syntax/texts.ts'
import type { Token } from '../syntax/tokens.ts'

export const readRoot: Reader = ({ values, scope }) => {
  const root = values[0] && fixedValue(values[0], scope.notes)
  return root === undefined ? [] : [{ kind: 'change', change: (state) => ({ ...state, root }) }]
}

export const readRewrite: Reader = ({ values, scope }) => {
  const path = values[0] && pathTemplate(values[0], scope.notes)
  return path === undefined ? [] : [{ kind: 'change', change: (state) => rewritten(state, path) }]
}

/** Applies a rewrite on top of earlier ones. */
export function rewritten(state: State, path: string): State {
  return { ...state, rewrite: path.replace('{path}', state.rewrite ?? '{path}') }
}

export const readUri: Reader = ({ at, values, scope }) => {
  const [operation, value] = values
  if (operation?.text !== 'strip_prefix' || value === undefined) {
    scope.notes.untranslated(
      operation?.at ?? at,
      `\`uri ${operation?.text ?? ''}\`: a path can lose its prefix (\`stripPrefix\`) or be replaced (\`rewrite\`)`,
    )
    return []
  }
  const prefix = fixedValue(value, scope.notes)
  if (prefix !== undefined && (prefix.includes('*') || !accepted(pathPrefix, prefix.replace(/^\/*/, '/')))) {
    scope.notes.untranslated(value.at, `\`${value.text}\`: \`stripPrefix\` takes a path prefix, such as \`/old\``)
    return []
  }
  return prefix === undefined ? [] : [{ kind: 'change', change: (state) => stripped(state, prefix) }]
}

export function stripped(state: State, prefix: string): State {
  const plain = `/${prefix.replace(/^\/+|\/+$/g, '')}`
  if (plain === '/') return state
  // A second prefix follows the first one. After a rewrite the original path is gone, so there is nothing to strip.
  return state.rewrite === undefined ? { ...state, stripPrefix: `${state.stripPrefix ?? ''}${plain}` } : state
}

export const readTryFiles: Reader = ({ at, values, block, scope }) => {
  for (const line of block)
    scope.notes.untranslated(line.words[0].at, `\`${line.words[0].text}\`: the first existing file is taken`)
  const last = values.at(-1)
  const status = Number(/^=(\d{3})$/.exec(last?.text ?? '')?.[1])
  const paths = values
    .filter(({ text }) => !text.startsWith('='))
    // A directory with its slash is checked together with the path itself.
    .filter(({ text }) => text !== '{path}/' && text !== '{http.request.uri.path}/')
    .map((token) => pathTemplate(token, scope.notes))
  if (paths.length < values.filter(({ text }) => !text.startsWith('=')).length)
    scope.notes.changed(
      at,
      '`{path}/`: a request for a directory without its trailing slash gets the next file of the list',
    )
  if (paths.some((path) => path === undefined)) return []
  const found = paths.filter((path) => path !== undefined)
  return [{ kind: 'try', paths: found, ...(status > 0 && { otherwise: { kind: 'status', status } as const }) }]
}

/** The query stays unchanged; a template that changes it is reported and left out. */
function pathTemplate(token: Token, notes: Notes): string | undefined {
  const { text, unknown } = ourText(token.text.replace(/\?\{(query|http\.request\.uri\.query)\}$/, ''))
  const path = text.replace('{uri}', '{path}').replace(/^\{path\}/, '{path}')
  const problem =
    unknown[0] !== undefined
      ? `\`${unknown[0]}\` is not supported: a path may hold {path} and environment variables`
      : /[?#]/.test(path)
        ? 'the query stays unchanged; only the path is rewritten'
        : /(?<!\$)\{(?!path\})/.test(path) || path.split('{path}').length > 2
          ? 'a path may hold {path} once, and nothing else of the request'
          : !path.startsWith('/') && !path.startsWith('{path}')
            ? 'a path begins with `/`'
            : path.includes('*') || !accepted(exactTemplate, path)
              ? 'it has characters that a path cannot hold'
              : undefined
  if (problem === undefined) return path
  notes.untranslated(token.at, `\`${token.text}\`: ${problem}`)
  return undefined
}
