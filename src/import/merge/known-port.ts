/** The port a program listens on, if its command or environment is unambiguous. */
import { basename } from 'node:path'

/** Default ports of programs, and the options and config files that change them. */
const usualPorts: Readonly<
  Record<string, { readonly port: number; readonly option: RegExp; readonly settings?: RegExp }>
> = {
  'redis-server': { port: 6379, option: /^--port$/, settings: /^[^-].*\.conf$|^-$/ },
  mongod: { port: 27017, option: /^--port$/, settings: /^(-f|--config)(=|$)/ },
  memcached: { port: 11211, option: /^(-p|--port)$/ },
}

/** Options whose value is the port, or an address with it, in any program. */
const portOption = /^(--port|--http-port|--server\.port|-Dserver\.port)$/
const addressOption = /^(--bind|--listen|--http-listen|--addr)$/
const isLocal = /^(localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\*|\[?::1?\]?|)$/

/** `words` are those of the command; one with a variable is not a number. PORT in the environment wins. */
export function portOf(words: readonly string[], environmentPort: string | undefined): number | undefined {
  if (environmentPort !== undefined) return number(environmentPort)
  const [option, ...further] = optionsOf(words).flatMap(({ name, value }) => {
    if (portOption.test(name)) return [number(value)]
    return addressOption.test(name) ? [portOfAddress(value)] : []
  })
  if (option !== undefined) return further.length === 0 && !connectsElsewhere(words) ? option : undefined
  const at = words.findIndex((word) => Object.hasOwn(usualPorts, basename(word)))
  const known = at === -1 ? undefined : usualPorts[basename(words[at] ?? '')]
  if (!known) return undefined
  const rest = words.slice(at + 1)
  if (rest.some((word) => known.settings?.test(word) || known.option.test(word.split('=', 1)[0] ?? '')))
    return undefined
  return known.port
}

/** Whether it is a client: it names another host along with the port. */
function connectsElsewhere(words: readonly string[]): boolean {
  return optionsOf(words).some(({ name, value }) => /^(-h|--host)$/.test(name) && !isLocal.test(value))
}

function optionsOf(words: readonly string[]): readonly { readonly name: string; readonly value: string }[] {
  return words.flatMap((word, index) => {
    if (!word.startsWith('-')) return []
    const equals = word.indexOf('=')
    return equals === -1
      ? [{ name: word, value: words[index + 1] ?? '' }]
      : [{ name: word.slice(0, equals), value: word.slice(equals + 1) }]
  })
}

function portOfAddress(address: string): number | undefined {
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(address) ?? []
  return isLocal.test(host) ? number(port) : undefined
}

function number(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}
