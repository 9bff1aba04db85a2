/** The tables and the page that a comparison becomes. */
import { describe, expect, it } from 'vitest'
import type { RowResult } from '../../bench/compare.ts'
import { failureList, ratioTable, serverTable } from '../../bench/report/markdown.ts'
import { plot } from '../../bench/report/plot.ts'
import { withGenerated } from '../../bench/report/write.ts'

const proxy: RowResult = {
  row: 'proxy',
  samples: {
    gatehouse: [{ cpu: 50, rate: 20_000 }, { cpu: 60, rate: 10_000 }, undefined],
    caddy: [
      { cpu: 100, rate: 10_000 },
      { cpu: 80, rate: 10_000 },
      { cpu: 1, rate: 1 },
    ],
    nginx: [{ cpu: 10 }, { cpu: 10 }, { cpu: 10 }],
  },
  failures: ['gatehouse, round 3: 7 requests failed, 9 did not'],
}
const idle: RowResult = {
  row: 'idle',
  samples: { gatehouse: [{ memory: 100 }], 'caddy + supervisord': [{ memory: 80 }] },
  failures: [],
}

describe('the tables', () => {
  it('compare with Caddy, or with Caddy and supervisord, over the rounds that both finished', () =>
    expect(ratioTable([proxy, idle]).split('\n')).toEqual([
      '| Row | CPU µs | a second | idle MB |',
      '| --- | --- | --- | --- |',
      '| proxy | 0.63 (0.50–0.75) | 1.50 (1.00–2.00) |  |',
      '| idle |  |  | 1.25 |',
    ]))

  it('have a line for each server, with its failed rounds', () =>
    expect(serverTable([proxy]).split('\n').slice(2)).toEqual([
      '| proxy | gatehouse | 55.0 | 15,000 | 1 |',
      '| proxy | caddy | 80.0 | 10,000 |  |',
      '| proxy | nginx | 10.0 |  |  |',
    ]))

  it('name each failure with its row', () =>
    expect(failureList([proxy, idle])).toBe('- proxy: gatehouse, round 3: 7 requests failed, 9 did not'))
})

describe('the page', () => {
  const begin = '<!-- begin of what `npm run bench` writes -->'

  it('keeps what is written by hand', () =>
    expect(withGenerated(`above\n${begin}\nold\n<!-- end -->\nbelow\n`, 'new')).toBe(
      `above\n${begin}\n\nnew\n\n<!-- end -->\nbelow\n`,
    ))

  it.each(['', `${begin}\n`, `<!-- end -->\n${begin}`])('without a place for figures is an error: %j', (text) =>
    expect(() => withGenerated(text, 'new')).toThrow('docs/performance.md lacks'),
  )
})

describe('the plot', () => {
  it('has a line for each server with a point for each value, the dearest at the top', () => {
    const row = (name: string, cost: number): RowResult => ({
      row: name,
      samples: { gatehouse: [{ cpu: cost }] },
      failures: [],
    })
    const svg = plot([row('routes, 10', 50), row('routes, 2000', 100)]) ?? ''
    expect(svg.match(/<polyline points="([^"]*)"/)?.[1]).toBe('50.0,150.0 380.0,40.0')
  })

  it('is left out if nothing of it was measured', () => expect(plot([proxy])).toBeUndefined())
})
