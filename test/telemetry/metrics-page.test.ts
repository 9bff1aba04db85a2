import { expect, it } from 'vitest'
import { metricsPage } from '../../src/telemetry/metrics-page.ts'

it('has help, type and values of each family in the text format', () => {
  const page = metricsPage([
    { name: 'requests_total', help: 'A \\ and\na line.', type: 'counter', values: [{ labels: {}, value: 3 }] },
    {
      name: 'state',
      help: 'State.',
      type: 'gauge',
      values: [
        { labels: { process: 'say "hi" \\ \n', state: '' }, value: 0.25 },
        { labels: { process: 'ü,{}' }, value: Number.POSITIVE_INFINITY },
        { labels: { process: 'b' }, value: Number.NEGATIVE_INFINITY },
        { labels: { process: 'c' }, value: 1e-7 },
      ],
    },
    { name: 'none', help: 'None yet.', type: 'gauge', values: [] },
    {
      name: 'seconds',
      help: 'Time.',
      type: 'histogram',
      values: [{ labels: { le: '+Inf' }, value: 1, metricName: 'seconds_bucket' }],
    },
  ])
  expect(page).toBe(
    [
      '# HELP requests_total A \\\\ and\\na line.',
      '# TYPE requests_total counter',
      'requests_total 3',
      '',
      '# HELP state State.',
      '# TYPE state gauge',
      'state{process="say \\"hi\\" \\\\ \\n",state=""} 0.25',
      'state{process="ü,{}"} +Inf',
      'state{process="b"} -Inf',
      'state{process="c"} 1e-7',
      '',
      '# HELP none None yet.',
      '# TYPE none gauge',
      '',
      '# HELP seconds Time.',
      '# TYPE seconds histogram',
      'seconds_bucket{le="+Inf"} 1',
      '',
    ].join('\n'),
  )
})
