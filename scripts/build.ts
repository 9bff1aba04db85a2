/**
 * `npm run build` creates dist/gatehouse: a single executable, the pinned Node with our bundles in it. It needs no
 * Node, node_modules or sources at run time. dist/gatehouse.cdx.json lists what is in it. Writes to dist/ only, and
 * leaves no other file there.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { billOfMaterials } from './build/bill-of-materials.ts'
import { bundle, loaderOf } from './build/bundle.ts'
import { linkedLibraries, unexpectedLibraries } from './build/libraries.ts'
import { keepOpenFiles } from './build/open-files.ts'
import { inject, stripNode } from './build/single-executable.ts'
import { trialRun } from './build/trial-run.ts'

const project = resolve(import.meta.dirname, '..')
const binary = join(project, 'dist', 'gatehouse')
const bill = join(project, 'dist', 'gatehouse.cdx.json')

/** What runs on the main thread, in a gateway thread, and in the thread that reads the file of a reload. */
const parts = [
  { name: 'gatehouse', entry: 'src/main.ts', loader: 'main.js' },
  { name: 'gateway', entry: 'src/gateway/thread.ts', loader: 'gateway-thread.js' },
  { name: 'reader', entry: 'src/app/reload/plan-reader.ts', loader: 'plan-reader.js' },
]

async function main(): Promise<void> {
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major < 26)
    throw new Error(`Node ${process.versions.node} is too old; \`npm run build\` uses the Node 26 of \`npm ci\``)
  const started = performance.now()
  mkdirSync(join(project, 'dist'), { recursive: true })
  const folder = mkdtempSync(join(project, 'dist', '.build-'))
  try {
    await make(folder)
    // A rename does not disturb a gatehouse that runs from the old file.
    renameSync(join(folder, 'gatehouse'), binary)
    renameSync(join(folder, 'gatehouse.cdx.json'), bill)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  console.log(`dist/gatehouse: ${megabytes(statSync(binary).size)}, built in ${seconds(started)}`)
}

async function make(folder: string): Promise<void> {
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
  const constants = { __GATEHOUSE_VERSION__: JSON.stringify(version) }
  const assets: string[] = []
  for (const { name, entry, loader } of parts) {
    assets.push(
      ...(await step(folder, `${name} from ${entry}`, () => bundle(project, { entry, name, folder, constants }))),
    )
    const script = readFileSync(join(project, 'scripts/build/cached-script.ts'), 'utf8')
    writeFileSync(join(folder, loader), await loaderOf(script, `${name}.js`))
    assets.push(loader)
  }
  const threads = Object.fromEntries(parts.map(({ name, loader }) => [loader, `${name}.js`]))
  assets.push(
    ...(await step(folder, 'code caches of a trial run', () => trialRun({ folder, main: 'gatehouse.js', threads }))),
  )
  await step(folder, 'Node to build on', () => {
    const kept = stripNode(join(folder, 'node'))
    if (kept) console.log(kept)
    if (process.platform === 'linux') keepOpenFiles(join(folder, 'node'))
    return ['node']
  })
  await step(folder, 'all in one file', () => {
    inject('node', { folder, main: 'main.js', assets, output: 'gatehouse' })
    return ['gatehouse']
  })
  verify(join(folder, 'gatehouse'), version)
  writeFileSync(join(folder, 'gatehouse.cdx.json'), billOfMaterials(project, version))
}

/** Throws unless the binary runs, and needs only libraries that a minimal machine has. */
function verify(file: string, version: string): void {
  const { stdout, stderr, status, signal } = spawnSync(file, ['--version'], { encoding: 'utf8' })
  if (stdout !== `${version}\n`) throw new Error(`the binary does not run (${signal ?? status}): ${stderr || stdout}`)
  if (process.platform !== 'linux') {
    console.log(`its libraries are not checked on ${process.platform}`)
    return
  }
  const libraries = linkedLibraries(file)
  const unexpected = unexpectedLibraries(libraries)
  if (unexpected.length > 0) throw new Error(`the binary needs unexpected libraries: ${unexpected.join(', ')}`)
  console.log(`needs ${libraries.join(' ')}`)
}

/** Runs a step that returns the names of the files it wrote to the folder, and prints their size and its duration. */
async function step(
  folder: string,
  what: string,
  work: () => readonly string[] | Promise<readonly string[]>,
): Promise<readonly string[]> {
  const started = performance.now()
  const names = await work()
  const size = names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
  console.log(`${what.padEnd(40)} ${megabytes(size).padStart(9)} ${seconds(started).padStart(8)}`)
  return names
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

function seconds(since: number): string {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`
}

main().catch((error: Error) => {
  console.error(`build: ${error.message}`)
  process.exitCode = 1
})
