/** The import rules of the house. A room that reaches into another one is found here, not in a review. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const source = resolve(dirname(fileURLToPath(import.meta.url)), '../src')

/** Each room may import from itself and from the rooms of lower floors. Rooms on one floor never import each other. */
const floors = [
  ['shared'],
  ['telemetry'],
  ['config'],
  ['plan'],
  ['gateway', 'health', 'supervisor', 'certificates', 'import'],
  ['control'],
  ['app'],
  ['cli'],
  ['main.ts'],
]

/** Packages and builtins that only these places may import: one file, or one room. */
const gates: Readonly<Record<string, readonly string[]>> = {
  'node:child_process': ['supervisor/spawn/spawn.ts'],
  'acme-client': ['certificates/acme/acme.ts'],
  'node-forge': ['certificates/ca/internal.ts', 'certificates/trust-store/pkcs12.ts'],
  fastify: ['control/', 'gateway/plugins/'],
  yaml: ['config/', 'import/'],
  commander: ['cli/'],
  croner: ['shared/calendar.ts'],
  pino: ['telemetry/'],
}

interface Import {
  readonly from: string
  readonly of: string
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
const imports: readonly Import[] = files.flatMap((from) => specifiersOf(from).map((of) => ({ from, of })))

/** Of each file, the files that it imports. */
const targets: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  files.map((file) => [file, imports.filter(({ from, of }) => from === file && of.startsWith('.')).map(targetOf)]),
)

function specifiersOf(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8')
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]|(?:^|\n)import\s+['"]([^'"]+)['"]/g,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function roomOf(file: string): string {
  return file.split('/')[0] ?? ''
}

function floorOf(room: string): number {
  return floors.findIndex((rooms) => rooms.includes(room))
}

/** The file in src/ that a relative import means. */
function targetOf({ from, of }: Import): string {
  return relative(source, resolve(source, dirname(from), of))
}

describe('the house', () => {
  it('finds the imports it judges', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(imports.length).toBeGreaterThan(files.length)
    expect(imports).toContainEqual({ from: 'main.ts', of: './cli/cli.ts' })
  })

  it('has only the rooms of the design', () => {
    const rooms = new Set(files.map(roomOf))
    expect([...rooms].filter((room) => floorOf(room) === -1)).toEqual([])
  })

  it('imports one way: from lower floors, never from a sibling', () => {
    const wrong = imports.filter((one) => {
      if (!one.of.startsWith('.')) return false
      const [from, to] = [roomOf(one.from), roomOf(targetOf(one))]
      return from !== to && floorOf(to) >= floorOf(from)
    })
    expect(wrong).toEqual([])
  })

  it('keeps gated packages behind their gate', () => {
    const wrong = imports.filter(({ from, of }) => {
      const allowed = gates[of]
      return (
        allowed !== undefined &&
        !allowed.some((place) => (place.endsWith('/') ? from.startsWith(place) : from === place))
      )
    })
    expect(wrong).toEqual([])
  })

  it('imports builtins by their node: name and nothing outside src', () => {
    const wrong = imports.filter((one) => one.of.startsWith('.') && targetOf(one).startsWith('..'))
    expect(wrong).toEqual([])
  })

  it('words the causes of failures by one function, which leaves none empty', () => {
    // These look for a word in the message of a library, tell an error of their own making, or pass on its stack beside it.
    const readers = [
      'shared/errors.ts',
      'shared/calendar.ts',
      'shared/files/safe-folder.ts',
      'config/schema/scalars.ts',
      'config/yaml/yaml-mistakes.ts',
      'config/yaml/yaml-source.ts',
      'gateway/guards/rate-limit/redis-link.ts',
      'gateway/thread.ts',
      'control/client/request.ts',
      'control/client/client.ts',
      'import/caddy/read-caddyfile.ts',
      'import/compose/tree.ts',
      'supervisor/rights/launch.ts',
    ]
    const own = /\b(error|err|reason|thrown|fault)\??\.(message|stack)\b|\bString\((error|err|thrown)\)/
    const wrong = files.filter((file) => !readers.includes(file) && own.test(readFileSync(join(source, file), 'utf8')))
    expect(wrong).toEqual([])
  })

  it('reads few variables of its own, all of which are on the allow-list of cli/own-environment.ts', () => {
    const readers = [
      'certificates/acme/acme-transport.ts',
      'cli/own-environment.ts',
      'shared/system/given-environment.ts',
    ]
    const wrong = files.filter(
      (file) => !readers.includes(file) && /\bprocess\.env\b/.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(wrong).toEqual([])
  })

  it('starts its threads in one place, which attaches the inspector before the first', () => {
    const wrong = files.filter((file) => /\bnew Worker\(/.test(readFileSync(join(source, file), 'utf8')))
    expect(wrong).toEqual(['app/workers/start-worker.ts'])
  })

  // The bundle has no names for the exports of a CommonJS package that is loaded later.
  it('takes the default export of packages that it loads later', () => {
    const wrong = files.filter((file) =>
      /(?<!typeof )import\('[^.'][^']*'\)(?!\)\.default)/.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(wrong).toEqual([])
  })

  it('takes its timers from shared/time/timer.ts, since those of Node ring at once when they are set for more than 24.8 days', () => {
    const timers = /(?<![.\w])set(Timeout|Interval)\(/g
    const limits =
      /from 'node:timers|AbortSignal\.timeout|globalThis\.set(Timeout|Interval)|\.setTimeout\((?!0\)|forNode\(|quiet\b)|(keepAlive|headers)Timeout: (?!forNode\(|[\d_]+)/
    const wrong = files.filter((file) => {
      if (file === 'shared/time/timer.ts') return false
      const text = readFileSync(join(source, file), 'utf8').replace(
        "setImmediate as turn } from 'node:timers/promises'",
        '',
      )
      const ours = /import \{([^}]*)\} from '[./]+(shared\/)?(time\/)?timer\.ts'/.exec(text)?.[1] ?? ''
      return limits.test(text) || [...text.matchAll(timers)].some(([call]) => !ours.includes(call.slice(0, -1)))
    })
    expect(wrong).toEqual([])
  })

  it('has no import cycles, of values or of types', () => {
    expect(cycles(files)).toEqual([])
  })

  it('has no more than 15 files at the top of a folder', () => {
    const counts = Object.groupBy(files, (file) => dirname(file))
    expect(Object.keys(counts).filter((folder) => (counts[folder] ?? []).length > 15)).toEqual([])
  })

  it('does not use the words that the vocabulary leaves out', () => {
    const left = /\b(utils|helpers?|[A-Z]\w*Manager|handle[A-Z]\w*)\b/
    const wrong = files.filter((file) =>
      left.test(readFileSync(join(source, file), 'utf8').replace(/\bhandler\b/g, '')),
    )
    expect(wrong).toEqual([])
  })

  it('names things by words that a stranger knows', () => {
    const dialect =
      /\b(mend(s|ed|ing)?|told|nobody|somebody|whoever|tenures?|passages?|keepers?|house|roll-?call|pulse|narrate[sd]?|takeSeat|partFrom|soundHead|flawOf)\b/i
    const wrong = files.filter((file) => dialect.test(readFileSync(join(source, file), 'utf8')))
    expect(wrong).toEqual([])
  })
})

describe('a gateway thread', () => {
  /** Of the whole process, so that a thread that changes it changes it for all others, in the midst of anything. */
  const shared: Readonly<Record<string, RegExp>> = {
    "V8's flags": /\bsetFlagsFromString\b/,
    'the environment':
      /\bprocess\.env(\.\w+|\[[^\]]*\])?\s*(\?\?|\|\||&&)?=(?!=)|\bdelete process\.env|\bloadEnvFile\b|assign\(process\.env/,
    'the umask': /\bprocess\.umask\b/,
    'the working directory': /\bprocess\.chdir\b|\bchdir\(/,
    'the title': /\bprocess\.title\s*=(?!=)/,
    'the user': /\bprocess\.(set(e?[ug]id|groups)|initgroups)\b/,
    'the niceness': /\bsetPriority\b/,
    'the end': /\bprocess\.(exit|abort|kill)\b|\bprocess\.exitCode\s*=(?!=)/,
    'members that could be any of these': /from 'node:process'/,
  }

  it('changes nothing that belongs to the whole process', () => {
    const reached = reachedFrom('gateway/thread.ts')
    expect(reached.length).toBeGreaterThan(50)
    const changes = reached.flatMap((file) => {
      const text = readFileSync(join(source, file), 'utf8')
      return Object.keys(shared).flatMap((what) => (shared[what]?.test(text) ? [`${file}: ${what}`] : []))
    })
    expect(changes).toEqual([])
  })
})

/** The file, and all that it imports, and what they import. */
function reachedFrom(entry: string): readonly string[] {
  const reached = new Set([entry])
  for (const file of reached) for (const target of targets[file] ?? []) reached.add(target)
  return [...reached]
}

/** Groups of files each of which can be reached from each other one. */
function cycles(all: readonly string[]): readonly (readonly string[])[] {
  const reach = new Map(all.map((file) => [file, new Set(reachedFrom(file).filter((other) => other !== file))]))
  const groups = all.map((file) => [file, ...(reach.get(file) ?? [])].filter((other) => inCycle(file, other)).sort())
  function inCycle(file: string, other: string): boolean {
    return other === file || (reach.get(file)?.has(other) === true && reach.get(other)?.has(file) === true)
  }
  return groups.filter((group, index) => group.length > 1 && group[0] === all[index])
}
