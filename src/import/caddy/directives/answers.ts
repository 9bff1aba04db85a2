/** Directives that answer without an upstream: `redir`, `respond`, `error`, `abort`, `file_server`. */
import { bodilessStatuses } from '../../../config/schema/gateway/route.ts'
import { headerValue } from '../../../config/schema/scalars.ts'
import { isPlaceholder } from '../../../plan/patterns/placeholders.ts'
import type { StepAction } from '../routes/steps.ts'
import { accepted } from '../syntax/accepted.ts'
import { fixedValue, type Reader, reportUnsupported, valueWithPlaceholders } from '../syntax/lines.ts'
import { argumentsOf, directiveName } from '../syntax/tree.ts'
import { rangesOf } from './matchers.ts'

const redirects: Readonly<Record<string, number>> = { temporary: 302, permanent: 301 }

export const readRedir: Reader = ({ at, values, scope }) => {
  const [target, code] = values
  if (target === undefined) return []
  const to = valueWithPlaceholders(target, scope.notes)
  if (to === undefined) return []
  // The rules of `gatehouse check` for `redirect.to`.
  const foreign = [...to.matchAll(/(?<!\$)\{([^}]*)\}/g)].some(([, name = '']) => !isPlaceholder(name))
  const leads = /^(\/|https?:\/\/|\{(uri|path)\}|\{scheme\}:\/\/|\$\{)/i.test(to) && !/\s/.test(to)
  if (foreign || !leads || !accepted(headerValue, to)) {
    scope.notes.untranslated(target.at, `\`redir ${target.text}\`: a redirect leads to a path or a URL`)
    return []
  }
  const status = code === undefined ? 302 : (redirects[code.text] ?? Number(code.text))
  if (![301, 302, 303, 307, 308].includes(status)) {
    scope.notes.untranslated(
      code?.at ?? at,
      `\`redir ${code?.text}\`: a redirect has the status 301, 302, 303, 307 or 308`,
    )
    return []
  }
  return [{ kind: 'answer', answer: { kind: 'redirect', to, status } }]
}

/** `error`, `respond` and `abort`. */
export const readStatus: Reader = ({ name, at, values, block, matcher, scope }) => {
  let text = name === 'respond' ? values.find((value) => !/^\d{3}$/.test(value.text)) : undefined
  for (const line of block) {
    const option = directiveName(line)
    if (option === 'body' && name === 'respond') text = argumentsOf(line)[0]
    else if (option !== 'close') reportUnsupported(line, scope.notes, 'a response has a status and a body')
  }
  const written = values.findLast((value) => /^\d{3}$/.test(value.text))?.text
  const status = name === 'abort' ? 403 : Number(written ?? (name === 'error' ? 500 : 200))
  const body = text && !bodilessStatuses.includes(status) ? fixedValue(text, scope.notes) : undefined
  const clients = matcher?.clients
  if (clients && status >= 400) {
    if (status !== 403) scope.notes.changed(at, `\`${name}\`: rejected clients get 403 here`)
    const key = clients.outside ? 'allow' : 'deny'
    const ranges = rangesOf(clients.ranges)
    const change: StepAction = {
      kind: 'change',
      change: (state) => ({ ...state, [key]: [...(state[key] ?? []), ...ranges] }),
    }
    return [change]
  }
  if (status < 200) {
    scope.notes.untranslated(at, `\`${name} ${status}\`: a response has a status of 200 or more`)
    return []
  }
  return [{ kind: 'answer', answer: { kind: 'status', status, ...(body !== undefined && { body }) } }]
}

export const readFileServer: Reader = ({ values, block, scope }) => {
  const { notes } = scope
  let root: string | undefined
  let passThrough = false
  const except: string[] = []
  for (const token of values)
    notes.untranslated(token.at, `\`file_server ${token.text}\`: directory listings are not supported`)
  for (const line of block) {
    const words = argumentsOf(line)
    switch (directiveName(line)) {
      case 'root':
        root = words[0] && fixedValue(words[0], notes)
        break
      case 'pass_thru':
        passThrough = true
        break
      case 'hide':
        for (const word of words) {
          // Dotfiles are hidden anyway.
          if (/^\.[\w.-]+$/.test(word.text)) continue
          if (/^\/?[\w./-]+$/.test(word.text) && !word.text.startsWith('*'))
            except.push(word.text.replace(/^\.?\/+/, ''))
          else notes.untranslated(word.at, `\`hide ${word.text}\`: \`except\` takes paths relative to \`root\``)
        }
        break
      case 'index':
        if (words.map(({ text }) => text).join(' ') !== 'index.html')
          reportUnsupported(line, notes, 'a directory is served by its index.html')
        break
      case 'browse':
        reportUnsupported(line, notes, 'directory listings are not supported')
        break
      case 'precompressed':
        // Precompressed files are always used, by the client's preference and the order of `compression`.
        break
      case 'disable_canonical_uris':
        notes.changed(
          line.words[0].at,
          'a directory without its trailing slash redirects to the path with it, if it has an index.html',
        )
        break
      default:
        reportUnsupported(line, notes, '`files` has `root`, `except`, `fallback` and `cacheControl`')
    }
  }
  return [{ kind: 'answer', answer: { kind: 'files', ...(root !== undefined && { root }), passThrough, except } }]
}
