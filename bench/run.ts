/**
 * `npm run bench [-- WORD… --rounds N --seconds N --peers NAME,NAME --quick]` compares Gatehouse with other servers, in
 * the rows whose names contain one of the words; all rows take about 36 minutes, and only they write the page.
 * `--quick` has one short round, without Debian's Caddy and HAProxy, and takes about 12 minutes.
 * Under load every server runs warm: it is started once for a row, loaded for 5 s, and then measured in each round
 * beside the others, which are idle. V8 compiles what is used often while it runs, which takes it about so long.
 * `npm run bench -- --guard [COMMIT]` compares it with itself at that commit.
 */
import { parseArgs } from 'node:util'
import { compare, type Options } from './compare.ts'
import { guard } from './guard/guard.ts'
import { failureList, ratioTable, serverTable, versions } from './report/markdown.ts'
import { save, writePage } from './report/write.ts'
import { rows } from './rows/table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    guard: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    peers: { type: 'string' },
  },
})

const quickPeers = ['caddy', 'nginx', 'caddy + supervisord']

try {
  if (values.guard) process.exitCode = (await guard(positionals[0])) ? 0 : 1
  else await compareRows()
} catch (error) {
  console.error(`bench: ${(error as Error).message}`)
  process.exitCode = 1
}

async function compareRows(): Promise<void> {
  const peers = values.peers?.split(',') ?? (values.quick ? quickPeers : undefined)
  const options: Options = {
    rounds: wholeNumber('rounds', values.rounds, values.quick ? 1 : 3),
    seconds: wholeNumber('seconds', values.seconds, values.quick ? 1 : 2),
    ...(peers === undefined ? {} : { peers }),
  }
  const chosen = rows.filter(({ name }) => positionals.length === 0 || positionals.some((word) => name.includes(word)))
  if (chosen.length === 0)
    throw new Error(
      `no row has ${positionals.join(' or ')} in its name; there are:\n${rows.map(({ name }) => name).join('\n')}`,
    )
  const started = performance.now()
  const comparison = await compare(chosen, options, (soFar) => save('comparison', { options, ...soFar }))
  const { results } = comparison
  console.log(`\n${versions(comparison)}; ${options.rounds} rounds of ${options.seconds} s\n`)
  console.log(`${serverTable(results)}\n\nGatehouse against Caddy:\n\n${ratioTable(results)}`)
  const whole = chosen.length === rows.length && peers === undefined
  if (whole) writePage(comparison, options)
  const minutes = Math.ceil((performance.now() - started) / 60_000)
  console.log(`\nTook ${minutes} min. Wrote bench/results/comparison.json${whole ? ' and docs/performance.md' : ''}.`)
  const failures = failureList(results)
  if (failures === '') return
  console.error(`\nFAILED:\n${failures}`)
  process.exitCode = 1
}

function wholeNumber(name: string, value: string | undefined, otherwise: number): number {
  const number = value === undefined ? otherwise : Number(value)
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} takes a whole number of 1 or more, not ${value}`)
  return number
}
