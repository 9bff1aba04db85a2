import { describe, expect, it } from 'vitest'
import { talliedFamilies } from '../../src/telemetry/metrics-families.ts'
import { metricsPage } from '../../src/telemetry/metrics-page.ts'
import { Sums, Tally, TallyBook, widthOf } from '../../src/telemetry/metrics-tally.ts'

function bookWithTally(): { book: TallyBook; tally: Tally } {
  const book = new TallyBook()
  return { book, tally: new Tally(book.memory, (series) => book.enter(series)) }
}

function sumsOf(books: readonly TallyBook[]): Sums {
  const sums = new Sums()
  for (const book of books) book.addTo(sums, true)
  return sums
}

describe('what threads count', () => {
  it('is added up over threads by metric and labels', () => {
    const [one, other] = [bookWithTally(), bookWithTally()]
    one.tally.add(one.tally.open('bytesSent', ['ours']), 3)
    other.tally.open('requests', ['ours', 'GET', '200'])
    other.tally.add(other.tally.open('bytesSent', ['ours']), 4)
    other.tally.add(other.tally.open('bytesSent', ['theirs']), 5)
    const rows = sumsOf([one.book, other.book]).of('bytesSent')
    expect(rows.map(({ labels, cells }) => [labels[0], cells[0]])).toEqual([
      ['ours', 7],
      ['theirs', 5],
    ])
  })

  it('of a thread that ended keeps its counts and loses its states', () => {
    const { book, tally } = bookWithTally()
    tally.add(tally.open('bytesSent', ['ours']), 3)
    tally.add(tally.open('open', ['answer']), 2)
    const past = new Sums()
    book.addTo(past, false)
    expect(past.of('bytesSent')[0]?.cells[0]).toBe(3)
    expect(past.of('open')).toEqual([])
  })

  it('has room for thousands of series, and an end: what comes later is not counted, and does no harm', () => {
    const { book, tally } = bookWithTally()
    const first = tally.open('bytesSent', ['first'])
    let opened = 0
    while (tally.open('durations', [String(opened)]) !== 0) opened += 1
    expect(opened).toBeGreaterThan(10_000)
    tally.add(first, 1)
    const lost = tally.open('durations', ['too many'])
    for (let cell = 0; cell < widthOf('durations'); cell += 1) tally.add(lost + cell, 1)
    const rows = sumsOf([book])
    expect(rows.of('bytesSent').map(({ cells }) => cells[0])).toEqual([1])
    expect(rows.of('durations').every(({ cells }) => cells.every((value) => value === 0))).toBe(true)
  })
})

describe('the page', () => {
  it('is in the text format, with label values escaped and buckets that add up', async () => {
    const { book, tally } = bookWithTally()
    tally.add(tally.open('requests', ['say "hi" \\ \n', 'GET', '200']), 2)
    const durations = tally.open('durations', ['/*'])
    tally.add(durations, 1) // below 1 ms
    tally.add(durations + widthOf('durations') - 2, 1) // above 60 s
    tally.add(durations + widthOf('durations') - 1, 61)
    const text = metricsPage(talliedFamilies(sumsOf([book])))
    expect(text).toContain('gatehouse_http_requests_total{route="say \\"hi\\" \\\\ \\n",method="GET",status="200"} 2\n')
    expect(text).toContain('_bucket{le="0.001",route="/*"} 1\n')
    expect(text).toContain('_bucket{le="60",route="/*"} 1\n')
    expect(text).toContain('_bucket{le="+Inf",route="/*"} 2\n')
    expect(text).toContain('_sum{route="/*"} 61\n')
    expect(text).toContain('_count{route="/*"} 2\n')
  })
})
