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

export interface Page {
  readonly contentType: string
  readonly text: string
}

/** The families in the Prometheus text format. The library is loaded with the first page: most runs never need it. */
export async function writePage(families: readonly Family[]): Promise<Page> {
  const { AggregatorRegistry } = await import('prom-client')
  const registry = AggregatorRegistry.aggregate([families.map((family) => ({ ...family, aggregator: 'sum' }))])
  return { contentType: registry.contentType, text: await registry.metrics() }
}
