/**
 * `npm test [-- FILES]`: installs missing Debian parts, builds the binary, runs the tests, and prints `N passed, N
 * failed, N skipped` on the last line. Exit code 1 if anything failed, if nothing ran, and in CI if anything outside of
 * the full tier was skipped.
 *
 * The tiers: `npm test` is all but test/load (what keeps the processors busy for long), test/reference (the reference
 * deployment) and test/full; `--ci` adds the first two, and `--full` all. FILES in a tier add it as well.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { installMissingParts } from './debian-parts.ts'

const project = resolve(import.meta.dirname, '..')
const full = process.argv.includes('--full')
const filters = process.argv.slice(2).filter((word) => !word.startsWith('--'))

/** What runs only on request. */
const tiers = [
  { name: 'load', asked: full || process.argv.includes('--ci') },
  { name: 'reference', asked: full || process.argv.includes('--ci') },
  { name: 'full', asked: full },
]

/** The part of vitest's JSON report that is used. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly fullName: string
      readonly status: string
      /** Of a test that passed: the failures before its retry. */
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

interface Tally {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** Why the run fails although no test did. */
  readonly complaints: readonly string[]
}

installMissingParts(full)
if (runNode('scripts/build.ts') !== 0) close({ passed: 0, failed: 1, skipped: 0, complaints: ['the build failed'] })
else close(runTests())

function runTests(): Tally {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-report-'))
  try {
    const reportFile = join(folder, 'report.json')
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
    const asked = tiers.filter((tier) => tier.asked || filters.some((file) => file.startsWith(`test/${tier.name}`)))
    // The projects of vitest.config.ts.
    const projects = ['together', 'alone', ...asked.map(({ name }) => name)].map((name) => `--project=${name}`)
    const status = runNode('node_modules/vitest/vitest.mjs', 'run', ...reporters, ...projects, ...filters)
    if (!existsSync(reportFile))
      return { passed: 0, failed: 1, skipped: 0, complaints: ['the test runner left no report'] }
    return tally(JSON.parse(readFileSync(reportFile, 'utf8')), status)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A file that could not be loaded counts as a failed test: its tests are not in the report. */
function tally({ testResults }: Report, status: number): Tally {
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status: result, failureMessages = [] }) => {
      return { file: relative(project, name), name: fullName, status: result, failures: failureMessages }
    }),
  )
  for (const { file, name, status: result, failures } of tests)
    if (result === 'passed' && failures.length > 0)
      console.log(`passed at the second try: ${file} > ${name}\n  ${failures.join('\n').replaceAll('\n', '\n  ')}`)
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  )
  const passed = tests.filter((test) => test.status === 'passed').length
  const skipped = tests.filter((test) => test.status !== 'passed' && test.status !== 'failed')
  const failed = tests.length - passed - skipped.length + unloaded.length

  const complaints = unloaded.map((file) => `${relative(project, file.name)} failed outside its tests: ${file.message}`)
  if (passed + failed === 0) complaints.push('no test ran')
  const forbidden = process.env.CI ? skipped.filter((test) => !test.file.startsWith('test/full/')) : []
  for (const test of forbidden) complaints.push(`skipped, which CI must not do: ${test.file} > ${test.name}`)
  if (status !== 0 && failed + complaints.length === 0) complaints.push(`the test runner ended with ${status}`)
  return { passed, failed: failed || (complaints.length > 0 ? 1 : 0), skipped: skipped.length, complaints }
}

function close({ passed, failed, skipped, complaints }: Tally): void {
  for (const complaint of complaints) console.log(`failed: ${complaint}`)
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  process.exitCode = failed === 0 ? 0 : 1
}

/** Runs a script with this same Node; its exit code, or 1 if a signal ended it. */
function runNode(...words: string[]): number {
  // What Node made of the sources is kept from one file, thread and run to the next.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(project, 'node_modules/.cache/compiled') }
  return spawnSync(process.execPath, words, { cwd: project, stdio: 'inherit', env }).status ?? 1
}
