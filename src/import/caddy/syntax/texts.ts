/** Texts with variables and placeholders, from Caddy's notation to ours. */
import { longestDuration } from '../../../shared/time/duration.ts'

/** Caddy's placeholder, short or in full → ours (plan/patterns/placeholders.ts). */
const known: Readonly<Record<string, string>> = {
  host: '{host}',
  'http.request.host': '{host}',
  uri: '{uri}',
  'http.request.uri': '{uri}',
  path: '{path}',
  'http.request.uri.path': '{path}',
  scheme: '{scheme}',
  'http.request.scheme': '{scheme}',
  remote_host: '{client}',
  'http.request.remote.host': '{client}',
  client_ip: '{client}',
  'http.vars.client_ip': '{client}',
  'http.request.uuid': '{request_id}',
}

export interface OurText {
  readonly text: string
  /** Unsupported placeholders, with their braces. */
  readonly unknown: readonly string[]
}

const parts = /\$\{|\{\$([^{}:\s]+)(?::([^{}]*))?\}|\{([A-Za-z_][\w.:?>-]*(?:\[[^\]{}]*\])?)\}/g

/**
 * `{$NAME:default}` and `{env.NAME}` become `${NAME:-default}`: an empty variable counts as unset and takes the
 * default.
 */
export function ourText(written: string): OurText {
  const unknown: string[] = []
  const text = written.replaceAll(parts, (whole, variable?: string, otherwise?: string, placeholder?: string) => {
    if (whole === '${') return '$${'
    const name = variable ?? (placeholder?.startsWith('env.') ? placeholder.slice('env.'.length) : undefined)
    if (name !== undefined && /^[A-Za-z_]\w*$/.test(name)) return `\${${name}:-${otherwise ?? ''}}`
    const ours = placeholder === undefined ? undefined : known[placeholder]
    if (ours === undefined) unknown.push(whole)
    return ours ?? whole
  })
  // The name of a placeholder cannot hold a variable.
  unknown.push(...(text.match(/\{[^{}$]*\$\{/g) ?? []))
  return { text, unknown }
}

/** Whether it holds anything that is known only per request. */
export function hasPlaceholder(written: string): boolean {
  return [...written.matchAll(parts)].some(
    ([, , , placeholder]) => placeholder !== undefined && !placeholder.startsWith('env.'),
  )
}

/** Interpolates a text that must be understood now, such as the address of a site. */
export function textNow(written: string, environment: Readonly<Record<string, string>>): string {
  return written.replaceAll(/\{\$([^{}:\s]+)(?::([^{}]*))?\}/g, (_, name: string, otherwise?: string) => {
    return (Object.hasOwn(environment, name) && environment[name]) || otherwise || ''
  })
}

/** Caddy's durations (Go's, with `d`): `1m30s` → `90s`. Undefined if it is not a duration, or holds a variable. */
export function ourDuration(written: string): string | undefined {
  const units: Readonly<Record<string, number>> = {
    ns: 1e-6,
    us: 1e-3,
    µs: 1e-3,
    ms: 1,
    s: 1e3,
    m: 6e4,
    h: 36e5,
    d: 864e5,
  }
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h|d))+$/.test(written)) return undefined
  const pieces = [...written.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)/g)]
  const exact = pieces.reduce((sum, [, number, unit = '']) => sum + Number(number) * (units[unit] ?? 0), 0)
  const milliseconds = Math.min(exact, longestDuration)
  if (milliseconds > 0 && milliseconds < 1) return '1ms'
  const [unit, size] = (
    [
      ['h', 36e5],
      ['m', 6e4],
      ['s', 1e3],
    ] as const
  ).find(([, one]) => milliseconds % one === 0) ?? ['ms', 1]
  return milliseconds === 0 ? '0' : `${Math.round(milliseconds / size)}${unit}`
}

/** Caddy's sizes (`10MB`, `1GiB`, or bytes without a unit), which may hold variables. */
export function ourSize(written: string): string | undefined {
  const text = ourText(written.trim()).text
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?|\$\{\w+:-\d*\})\s*([A-Za-z]*)$/.exec(text) ?? []
  if (number === undefined) return undefined
  const ours: Readonly<Record<string, string>> = {
    '': 'B',
    b: 'B',
    k: 'KB',
    kb: 'KB',
    kib: 'KiB',
    m: 'MB',
    mb: 'MB',
    mib: 'MiB',
    g: 'GB',
    gb: 'GB',
    gib: 'GiB',
  }
  const found = ours[unit.toLowerCase()]
  return found && `${number}${found}`
}
