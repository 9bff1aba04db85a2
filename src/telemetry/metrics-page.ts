/** The Prometheus text format, version 0.0.4. */

/** A metric with all its current values. */
export interface Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly values: readonly Value[]
}

export interface Value {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Of a histogram: the family's name with `_bucket`, `_sum` or `_count` behind it. */
  readonly metricName?: string
}

export const metricsContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** No two values of a family may have the same name and labels. */
export function metricsPage(families: readonly Family[]): string {
  return families.map(block).join('\n')
}

function block({ name, help, type, values }: Family): string {
  const lines = values.map((one) => `${one.metricName ?? name}${labelText(one.labels)} ${numberText(one.value)}\n`)
  return `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelText(labels: Value['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\\n"]/g, escaped)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\${character}`
}

function numberText(value: number): string {
  return Math.abs(value) === Number.POSITIVE_INFINITY ? `${value > 0 ? '+' : '-'}Inf` : String(value)
}
