/**
 * `npm run build` creates dist/gatehouse: a single executable, the pinned Node with our bundles in it. It needs no
 * Node, node_modules or sources at run time. dist/gatehouse.cdx.json lists what is in it. Writes to dist/ only, and
 * leaves no other file there.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { billOfMaterials } from './build/bill-of-materials.ts'
import { bundle } from './build/bundle.ts'
import {
  runCheck,
  runPackage,
  runReader,
  runThread,
  type TrialRun,
  wrapAsFunction,
  writeCodeCache,
} from './build/code-cache.ts'
import { linkedLibraries, unexpectedLibraries } from './build/libraries.ts'
import { keepOpenFiles } from './build/open-files.ts'
import { inject, stripNode } from './build/single-executable.ts'

const project = resolve(import.meta.dirname, '..')
const binary = join(project, 'dist', 'gatehouse')
const bill = join(project, 'dist', 'gatehouse.cdx.json')

/** Uses what nearly every config file uses, so that V8 compiles it (see build/code-cache.ts). */
const typicalConfig = `
gateway:
  listeners: { http: { address: "127.0.0.1:\${PORT:-8080}" } }
  response: { headers: { X-Content-Type-Options: nosniff } }
  routes:
    - { path: /api/*, to: api }
    - { files: { root: ., fallback: config.yaml } }
processes:
  api: { command: [node], port: 8081, ready: { http: /health, deadline: 60s } }
`

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
  const config = join(folder, 'config.yaml')
  writeFileSync(config, typicalConfig)
  const program = { name: 'gatehouse.js', entry: 'src/main.ts', loader: 'main.js', trialRun: runCheck(config) }
  const thread = {
    name: 'gateway.js',
    entry: 'src/gateway/thread.ts',
    loader: 'gateway-thread.js',
    trialRun: runThread(),
    // Only a thread with plugins pays for it.
    separate: { fastify: 'fastify.js' },
  }
  await embedBundle(folder, version, {
    name: 'fastify.js',
    entry: 'node_modules/fastify/fastify.js',
    trialRun: runPackage(),
  })
  await embed(folder, version, program)
  const reader = {
    name: 'reader.js',
    entry: 'src/app/reload/plan-reader.ts',
    loader: 'plan-reader.js',
    trialRun: runReader(config),
  }
  await embed(folder, version, thread)
  await embed(folder, version, reader)
  await step('Node to build on', () => {
    const kept = stripNode(join(folder, 'node'))
    if (kept) console.log(kept)
    if (process.platform === 'linux') keepOpenFiles(join(folder, 'node'))
    return statSync(join(folder, 'node')).size
  })
  await step('all in one file', () => {
    const parts = [program, thread, reader]
    const bundles = [...parts.map(({ name }) => name), ...Object.values(thread.separate)]
    const assets = [thread.loader, reader.loader, ...bundles.flatMap((name) => [name, `${name}.cache`])]
    inject('node', { folder, main: program.loader, assets, output: 'gatehouse' })
    return statSync(join(folder, 'gatehouse')).size
  })
  verify(join(folder, 'gatehouse'), version)
  writeFileSync(join(folder, 'gatehouse.cdx.json'), billOfMaterials(project, version))
}

interface BundlePart {
  readonly name: string
  readonly entry: string
  readonly trialRun: TrialRun
  /** Packages that are not in it, with the names of their own bundles. */
  readonly separate?: Readonly<Record<string, string>>
}

interface Part extends BundlePart {
  /** Name of the small script that starts it. */
  readonly loader: string
}

/** Writes the bundle of a part, its code cache, and the script that loads both. */
async function embed(folder: string, version: string, part: Part): Promise<void> {
  await embedBundle(folder, version, part)
  await bundle(project, {
    entry: 'scripts/build/cached-script.ts',
    file: join(folder, part.loader),
    constants: { __BUNDLE__: JSON.stringify(part.name), __SEPARATE__: JSON.stringify(part.separate ?? {}) },
    imports: true,
  })
}

async function embedBundle(
  folder: string,
  version: string,
  { name, entry, trialRun, separate = {} }: BundlePart,
): Promise<void> {
  const file = join(folder, name)
  await step(`${name} from ${entry}`, () =>
    bundle(project, {
      entry,
      file,
      constants: { __GATEHOUSE_VERSION__: JSON.stringify(version) },
      separate: Object.keys(separate),
    }),
  )
  wrapAsFunction(file)
  await step(`${name}.cache`, () => writeCodeCache(file, trialRun))
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

/** Runs a step that returns a size in bytes, and prints size and duration. */
async function step(what: string, work: () => number | Promise<number>): Promise<void> {
  const started = performance.now()
  const size = await work()
  console.log(`${what.padEnd(40)} ${megabytes(size).padStart(9)} ${seconds(started).padStart(8)}`)
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
