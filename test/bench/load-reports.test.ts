/** What the load generators print, read back. */
import { describe, expect, it } from 'vitest'
import { latencies, readReport as readH2load } from '../../bench/load/h2load.ts'
import { readReport as readHandshakes } from '../../bench/load/handshakes.ts'
import { readReport as readWrk } from '../../bench/load/wrk.ts'

const wrk = `Running 1s test @ http://127.0.0.1:18081/
  1 threads and 4 connections
  Latency Distribution
     50%  870.00us
     75%    5.69ms
     90%   59.04ms
     99%    1.36s
  2646 requests in 1.11s, 321.28KB read
Requests/sec:   2375.63
Transfer/sec:    288.45KB
`

describe('wrk', () => {
  it('counts requests, and converts the units of latencies to milliseconds', () =>
    expect(readWrk(wrk)).toEqual({ requests: 2646, rate: 2375.63, p50: 0.87, p99: 1360, failures: 0 }))

  it('adds up failures: statuses, and every kind of socket error', () => {
    const bad = `  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 52\n`
    expect(readWrk(wrk + bad)).toMatchObject({ requests: 2646 - 52, failures: 62 })
  })

  it.each(['', '  0 requests in 1.00s, 0.00B read'])('without an answer is an error: %j', (report) =>
    expect(() => readWrk(report)).toThrow('no answer'),
  )
})

const h2load = (requests: string, statuses: string) => `finished in 1.01s, 1186.00 req/s, 40.67KB/s
requests: 1186 total, 1190 started, 1186 done, ${requests}
status codes: ${statuses}
traffic: 40.67KB (41646) total, 7.05KB (7216) headers (space savings 89.51%), 2.32KB (2372) data
`

describe('h2load', () => {
  it.each([
    ['1186 succeeded, 0 failed, 0 errored, 0 timeout', '1186 2xx, 0 3xx, 0 4xx, 0 5xx', 1186, 0],
    ['1162 succeeded, 24 failed, 0 errored, 0 timeout', '1162 2xx, 0 3xx, 4 4xx, 20 5xx', 1162, 24],
    ['1180 succeeded, 0 failed, 5 errored, 1 timeout', '1180 2xx, 0 3xx, 0 4xx, 0 5xx', 1180, 6],
  ])('%s: its requests and failures', (requests, statuses, succeeded, failures) =>
    expect(readH2load(h2load(requests, statuses))).toEqual({ requests: succeeded, rate: 1186, failures }),
  )

  it('without a success is an error', () =>
    expect(() => readH2load(h2load('0 succeeded, 9 failed, 0 errored, 0 timeout', ''))).toThrow('no answer'))

  it('has its latencies in the third column of its log, in microseconds', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `1795900757292787\t200\t${(index + 1) * 1000}`)
    expect(latencies(`${lines.join('\n')}\n`)).toEqual({ p50: 50, p99: 99 })
  })
})

const sTime = (marks: string, connections: number, bytes: number) => `Now timing with session id reuse.
starting
${marks}

${connections} connections in 0.34s; 2341.18 connections/user sec, bytes read ${connections * bytes}
${connections} connections in 2 real seconds, ${bytes} bytes read per connection
`

describe('s_time', () => {
  it.each([
    ['all resumed', 'rrrr', true, 4, 0],
    ['two not resumed', 'r*r*', true, 2, 2],
    ['all full', '****', false, 4, 0],
    ['one resumed that should not be', '**r*', false, 3, 1],
  ])('%s: counts them, and the others as failures', (_, marks, resumed, requests, failures) =>
    expect(readHandshakes(sTime(marks, 4, 1662), resumed)).toEqual({ requests, failures }),
  )

  it('without an answer, all have failed', () =>
    expect(readHandshakes(sTime('****', 4, 0), false)).toEqual({ requests: 0, failures: 4 }))
})
