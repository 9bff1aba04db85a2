/**
 * `npm run mutate [-- FILES]`: changes one thing at a time in the files in which an error costs users most, and runs
 * their unit tests against each change. A change that no test notices is a survivor: a missing assertion, code that is
 * not needed, or an equivalent that docs/mutation.md argues. Exit code 1 if a survivor is not argued there.
 *
 * FILES are parts of paths in src/. Everything happens in a copy of the sources in the folder for temporary files.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Stryker } from '@stryker-mutator/core'

type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number]

const project = resolve(import.meta.dirname, '..')

/** Sources, and the tests that run against their mutants: only such as take milliseconds. */
const targets: readonly { readonly sources: readonly string[]; readonly tests: readonly string[] }[] = [
  { sources: ['supervisor/process/machine.ts'], tests: ['supervisor/machine.test.ts'] },
  { sources: ['supervisor/process/restart.ts'], tests: ['supervisor/restart.test.ts'] },
  { sources: ['gateway/request/validate-request.ts'], tests: ['gateway/request/validate-request.test.ts'] },
  {
    sources: ['gateway/request/target-path.ts', 'shared/net/canonical-path.ts'],
    tests: ['gateway/target-path.test.ts', 'shared/canonical-path.test.ts'],
  },
  {
    sources: ['gateway/request/trust.ts', 'gateway/request/identity.ts'],
    tests: ['gateway/request/trust.test.ts'],
  },
  {
    sources: ['gateway/route/router.ts', 'gateway/route/route-index.ts'],
    tests: ['gateway/router.test.ts', 'gateway/route/route-index.test.ts'],
  },
  { sources: ['plan/patterns/path-pattern.ts'], tests: ['plan/path-pattern.test.ts'] },
  {
    sources: [
      'gateway/guards/addresses.ts',
      'gateway/guards/basic-auth.ts',
      'gateway/guards/rate-limit/rate-limit.ts',
      'gateway/proxy/retry.ts',
    ],
    tests: ['gateway/guards/verdicts.test.ts'],
  },
  {
    sources: [
      'gateway/proxy/client/answer-parser.ts',
      'gateway/proxy/client/answer-head.ts',
      'gateway/proxy/client/chunked-body.ts',
      'gateway/proxy/client/section.ts',
    ],
    tests: ['gateway/proxy/client/answer-parser.test.ts'],
  },
  { sources: ['gateway/proxy/passive-health.ts'], tests: ['gateway/proxy/passive-health.test.ts'] },
  {
    sources: ['gateway/files/conditions.ts', 'gateway/files/range.ts'],
    tests: ['gateway/files/conditions.test.ts', 'gateway/files/range.test.ts'],
  },
  { sources: ['certificates/renewal.ts'], tests: ['certificates/renewal.test.ts'] },
  { sources: ['shared/time/timer.ts'], tests: ['shared/timer.test.ts', 'shared/sleep.test.ts'] },
]

interface Result {
  readonly file: string
  readonly mutants: number
  /** Some test failed, or did not end. */
  readonly killed: number
  /** Messages without their words: what users read is checked elsewhere, or not at all. */
  readonly wording: number
  /** Rows of docs/mutation.md that hold. */
  readonly argued: readonly string[]
  readonly survivors: readonly string[]
}

// Others may work on this machine meanwhile.
setPriority(10)
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-mutants-'))
// Stryker exits by itself upon Ctrl-C.
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
const filters = process.argv.slice(2)
const allArgued = readArgued()
const results: Result[] = []
for (const { sources, tests } of targets) {
  const files = sources.filter((source) => filters.length === 0 || filters.some((part) => source.includes(part)))
  if (files.length === 0) continue
  const mutants = await mutate(files, tests)
  for (const file of files) {
    const result = resultOf(file, mutants)
    results.push(result)
    console.log(`${file}: ${result.survivors.length} of ${result.mutants} survived`)
    for (const survivor of result.survivors) console.log(`\n${survivor}\n`)
  }
}
for (const { file, mutants, killed, wording, argued } of results) {
  console.log(`| \`${file}\` | ${mutants} | ${killed} | ${wording} | ${argued.length} |`)
  for (const row of allArgued)
    if (row.startsWith(`${file}: `) && !argued.includes(row)) console.log(`No survivor any more: ${row}`)
}
const survived = results.reduce((sum, { survivors }) => sum + survivors.length, 0)
console.log(`${survived} survivors that docs/mutation.md does not argue`)
process.exitCode = results.length > 0 && survived === 0 ? 0 : 1

function mutate(sources: readonly string[], tests: readonly string[]): Promise<readonly Mutant[]> {
  // Not `testFiles`: with that option Stryker 10 activates mutants of constants only after these have their values.
  const configFile = join(folder, 'vitest.config.mjs')
  const include = JSON.stringify(tests.map((test) => `test/${test}`))
  writeFileSync(configFile, `export default { test: { include: ${include}, testTimeout: 60_000 } }`)
  return new Stryker({
    mutate: sources.map((source) => `src/${source}`),
    testRunner: 'vitest',
    vitest: { related: false, configFile },
    coverageAnalysis: 'perTest',
    concurrency: 1,
    // A busy machine must not pass for a mutant that hangs, which would count as killed. Endless loops end sooner, since
    // Stryker counts their turns.
    timeoutMS: 60_000,
    reporters: [],
    // Its type is an ambient `const enum`, which cannot be imported.
    logLevel: 'error' as NonNullable<ConstructorParameters<typeof Stryker>[0]['logLevel']>,
    ignorePatterns: ['dist', 'docs', 'bench', 'config'],
    tempDirName: join(folder, 'sandbox'),
    // Stryker would rewrite the paths in it, for which it needs an interface that TypeScript 7 no longer has.
    tsconfigFile: 'none',
  }).runMutationTest()
}

function resultOf(file: string, all: readonly Mutant[]): Result {
  const text = readFileSync(join(project, 'src', file), 'utf8')
  const mutants = all.filter(({ fileName }) => fileName.endsWith(`/src/${file}`))
  const alive = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
  const unworded = alive.filter((mutant) => !isWording(mutant, text))
  const rowOf = (mutant: Mutant) => `${file}: ${mutatedLines(mutant, text)}`
  const survivors = unworded.filter((mutant) => !allArgued.has(rowOf(mutant)))
  return {
    file,
    mutants: mutants.length,
    killed: mutants.length - alive.length,
    wording: alive.length - unworded.length,
    argued: unworded.map(rowOf).filter((row) => allArgued.has(row)),
    survivors: survivors.map((mutant) => describe(mutant, text)),
  }
}

function isWording(mutant: Mutant, text: string): boolean {
  return mutant.mutatorName === 'StringLiteral' && / /.test(originalOf(mutant, text))
}

function originalOf({ location: { start, end } }: Mutant, text: string): string {
  return text.slice(offsetOf(start, text), offsetOf(end, text))
}

/** The lines with the mutation, in one: what names a mutant in docs/mutation.md, since line numbers change. */
function mutatedLines({ location: { start, end }, replacement }: Mutant, text: string): string {
  const [from, to] = [offsetOf(start, text), offsetOf(end, text)]
  const lineStart = text.lastIndexOf('\n', from - 1) + 1
  const lineEnd = text.indexOf('\n', to)
  const lines = text.slice(lineStart, from) + replacement + text.slice(to, lineEnd === -1 ? undefined : lineEnd)
  const mutated = inOneLine(lines)
  // A short line, such as `if (true)`, may stand in several places: what it was before tells which one is meant.
  return mutated.length < 16 ? `${mutated} // ${inOneLine(text.slice(from, to))}` : mutated
}

/** Line and column count from 1. */
function offsetOf({ line, column }: Mutant['location']['start'], text: string): number {
  let offset = 0
  for (let before = 1; before < line; before += 1) offset = text.indexOf('\n', offset) + 1
  return offset + column - 1
}

function inOneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}

function describe(mutant: Mutant, text: string): string {
  const { file, line } = { file: mutant.fileName.slice(project.length + 1), line: mutant.location.start.line }
  const note = mutant.status === 'NoCoverage' ? ' (no test reaches it)' : ''
  return `${file}:${line}: ${mutant.mutatorName}${note}\n- ${inOneLine(originalOf(mutant, text))}\n+ ${mutatedLines(mutant, text)}`
}

/** The rows `| file | mutated lines | why |` of docs/mutation.md, as `file: mutated lines`. */
function readArgued(): ReadonlySet<string> {
  const rows = readFileSync(join(project, 'docs/mutation.md'), 'utf8').matchAll(
    /^\| `([^`]+)` \| (`+) ?(.+?) ?\2 \| .+ \|$/gm,
  )
  return new Set([...rows].map(([, file, , lines = '']) => `${file}: ${lines.replaceAll('\\|', '|')}`))
}
