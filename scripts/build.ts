/**
 * `npm run build` makes dist/gatehouse: one executable file, the pinned Node with our bundles in it. It needs no Node, no
 * node_modules and no source at run time; `ldd` is asked what it needs, and the build fails if that is more than it may.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { build } from 'esbuild'

const project = resolve(import.meta.dirname, '..')
const output = join(project, 'dist/gatehouse')

/** Libraries of glibc and of GCC's runtime; the README and the image name the packages that bring them. */
const allowedLibraries = [
  'linux-vdso.so.1',
  'libc.so.6',
  'libm.so.6',
  'libdl.so.2',
  'libpthread.so.0',
  'libgcc_s.so.1',
  'libstdc++.so.6',
  'libatomic.so.1',
]

const started = performance.now()
mkdirSync(join(project, 'dist'), { recursive: true })
const folder = mkdtempSync(join(project, 'dist/.build-'))
try {
  await bundle('src/main.ts', 'main.js')
  await bundle('src/gateway/thread.ts', 'gateway-thread.js')
  strippedNode('node')
  const made = inject('node')
  checkLibraries(made)
  // Renamed into place: a gatehouse that runs from the old file keeps it.
  renameSync(made, output)
  tell('dist/gatehouse', output)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** One CommonJS file of an entry and all it imports: a worker made from a string cannot be a module. */
async function bundle(entry: string, name: string): Promise<void> {
  const outfile = join(folder, name)
  const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }
  await build({
    absWorkingDir: project,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: `node${process.versions.node}`,
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    // Error names and class names are read by people and by tests.
    keepNames: true,
    legalComments: 'none',
    define: {
      __GATEHOUSE_VERSION__: JSON.stringify(version),
      // Read only where sources lie on disk; see shared/assets.ts.
      'import.meta.url': 'undefined',
    },
    logLevel: 'warning',
  })
  tell(`bundle of ${entry}`, outfile)
}

/** This very Node without its symbols. Stripping after the injection would break the binary, so it comes before. */
function strippedNode(name: string): void {
  const copy = join(folder, name)
  copyFileSync(process.execPath, copy)
  chmodSync(copy, 0o755)
  const { status, error } = spawnSync('strip', [copy])
  if (error) console.log('  strip is not installed (Debian: binutils): the binary keeps about 30 MB of symbols')
  else if (status !== 0) throw new Error('strip failed')
  tell('Node to build on', copy)
}

/** All names in the recipe are relative: Node keeps them in the binary, and nobody should read there who built it where. */
function inject(executable: string): string {
  const recipe = {
    main: 'main.js',
    output: 'gatehouse',
    executable,
    assets: { 'gateway-thread.js': 'gateway-thread.js' },
    // Saves the compilation of main.js at each start.
    useCodeCache: true,
    disableExperimentalSEAWarning: true,
  }
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(recipe))
  const { status, stderr } = spawnSync(process.execPath, ['--build-sea', 'sea.json'], { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(`node --build-sea failed: ${stderr}`)
  return join(folder, 'gatehouse')
}

function checkLibraries(binary: string): void {
  if (process.platform !== 'linux') {
    console.log('  not Linux: what the binary needs at run time was not checked')
    return
  }
  const { stdout, status } = spawnSync('ldd', [binary], { encoding: 'utf8' })
  if (status !== 0) throw new Error('ldd could not read the binary')
  const needed = stdout.split('\n').flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? [])
  const foreign = needed.filter((name) => !allowedLibraries.includes(name) && !/\/ld-linux[^/]*$/.test(name))
  if (foreign.length > 0) throw new Error(`the binary needs ${foreign.join(', ')}, which it may not`)
}

function tell(what: string, path: string): void {
  const size = (statSync(path).size / 1e6).toFixed(1)
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  console.log(`  ${seconds.padStart(5)} s  ${what}: ${size} MB`)
}
