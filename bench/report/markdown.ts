/** The tables of a comparison, in Markdown. */
import type { Comparison, RowResult } from '../compare.ts'
import { median, ratioOf } from '../measure/statistics.ts'
import type { Figure } from '../rows/row.ts'

const figures: readonly { readonly name: Figure; readonly title: string; readonly digits: number }[] = [
  { name: 'cpu', title: 'CPU µs', digits: 1 },
  { name: 'rate', title: 'a second', digits: 0 },
  { name: 'busy', title: 'CPUs', digits: 2 },
  { name: 'p50', title: 'p50 ms', digits: 2 },
  { name: 'p99', title: 'p99 ms', digits: 2 },
  { name: 'peak', title: 'peak MB', digits: 0 },
  { name: 'memory', title: 'idle MB', digits: 0 },
  { name: 'each', title: 'KB each', digits: 1 },
  { name: 'time', title: 'ms', digits: 0 },
  { name: 'idle', title: 'CPU ms/s', digits: 2 },
]

/** Of how many CPUs a server uses there is no better or worse. */
const compared = figures.filter(({ name }) => name !== 'busy')

/** One line a row: Gatehouse as a ratio to Caddy, or to Caddy and supervisord where Caddy alone cannot do it. */
export function ratioTable(results: readonly RowResult[]): string {
  const lines = results.flatMap((result) => {
    const reference = ['caddy', 'caddy + supervisord'].find((name) => name in result.samples)
    if (reference === undefined) return []
    const cells = compared.map(({ name }) => {
      const ratio = ratioOf(valuesOf(result, 'gatehouse', name), valuesOf(result, reference, name))
      if (ratio === undefined) return ''
      const spread = ratio.lowest === ratio.highest ? '' : ` (${digits(ratio.lowest)}–${digits(ratio.highest)})`
      return `${digits(ratio.median)}${spread}`
    })
    return [[result.row, ...cells]]
  })
  return table(['Row', ...compared.map(({ title }) => title)], lines)
}

/** One line a row and server: medians of rounds. */
export function serverTable(results: readonly RowResult[]): string {
  const lines = results.flatMap((result) =>
    Object.keys(result.samples).map((server) => {
      const cells = figures.map(({ name, digits: places }) => {
        const value = median(valuesOf(result, server, name).filter((one) => one !== undefined))
        return Number.isNaN(value)
          ? ''
          : value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })
      })
      const failed = result.samples[server]?.filter((sample) => sample === undefined).length ?? 0
      return [result.row, server, ...cells, failed === 0 ? '' : `${failed}`]
    }),
  )
  return table(['Row', 'Server', ...figures.map(({ title }) => title), 'failed'], lines)
}

/** What went wrong, one line each. */
export function failureList(results: readonly RowResult[]): string {
  return results.flatMap(({ row, failures }) => failures.map((failure) => `- ${row}: ${failure}`)).join('\n')
}

export function versions({ servers }: Comparison): string {
  return servers.map(({ name, version }) => `${name} ${version}`).join(', ')
}

function valuesOf({ samples }: RowResult, server: string, figure: Figure): readonly (number | undefined)[] {
  return samples[server]?.map((sample) => sample?.[figure]) ?? []
}

function digits(ratio: number): string {
  return ratio.toFixed(ratio < 10 ? 2 : 0)
}

/** Columns without any value are left out. */
function table(titles: readonly string[], lines: readonly (readonly string[])[]): string {
  const used = titles.map((_, column) => lines.some((line) => line[column] !== ''))
  const row = (cells: readonly string[]) => `| ${cells.filter((_, column) => used[column]).join(' | ')} |`
  return [row(titles), row(titles.map(() => '---')), ...lines.map(row)].join('\n')
}
