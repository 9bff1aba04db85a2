import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withMemoryHint as hinted } from '../../../src/supervisor/memory/hints.ts'
import { part } from '../../parts.ts'

const share = 1_500_000_000

/** The environment that a program gets. */
function withMemoryHint(environment: Record<string, string>, command: string[], size: number): Record<string, string> {
  return hinted({ command, environment }, size).environment
}

const javac = part('javac')

describe('the hint', () => {
  it('is given to java and node by the name of the program, wherever it is', () => {
    expect(withMemoryHint({}, ['/opt/jdk/bin/java', '-jar', 'a.jar'], share)).toEqual({
      JAVA_TOOL_OPTIONS: '-XX:MaxRAM=1500000000',
    })
    expect(withMemoryHint({ A: 'b' }, ['node', 'rts.js'], share)).toEqual({
      A: 'b',
      NODE_OPTIONS: '--max-old-space-size=1072',
    })
  })

  it('is not given where there is no share', () => {
    const plan = { command: ['java'], environment: {} }
    expect(hinted(plan, undefined)).toBe(plan)
  })

  it('is given to no other program', () => {
    const environment = { A: 'b' }
    for (const name of ['javac', 'nodejs-not', 'redis-server', '/opt/java/run.sh', 'toString', '']) {
      expect(withMemoryHint(environment, [name], share)).toBe(environment)
    }
  })

  it('stands behind what the variable already holds', () => {
    const before = { JAVA_TOOL_OPTIONS: '-XX:MaxRAMPercentage=60', NODE_OPTIONS: '--enable-source-maps' }
    expect(withMemoryHint(before, ['java'], share).JAVA_TOOL_OPTIONS).toBe(
      '-XX:MaxRAMPercentage=60 -XX:MaxRAM=1500000000',
    )
    expect(withMemoryHint(before, ['node'], share).NODE_OPTIONS).toBe('--enable-source-maps --max-old-space-size=1072')
  })

  it('is not given where the user has decided, in the variable or in the command', () => {
    const decided: [Record<string, string>, string[]][] = [
      [{ JAVA_TOOL_OPTIONS: '-Xmx1g' }, ['java']],
      [{ JAVA_TOOL_OPTIONS: '-ea -XX:MaxRAM=1g' }, ['java']],
      [{}, ['java', '-Xmx512m', '-jar', 'a.jar']],
      [{ NODE_OPTIONS: '--max_old_space_size=200' }, ['node']],
      [{}, ['node', '--max-old-space-size=200', 'a.js']],
      [{ NODE_OPTIONS: '--max-old-space-size-percentage=50' }, ['node']],
    ]
    for (const [environment, command] of decided) expect(withMemoryHint(environment, command, share)).toBe(environment)
  })

  it('is obeyed by Node', () => {
    const command = [process.execPath, '-p', 'v8.getHeapStatistics().heap_size_limit']
    const limit = (size: number) => {
      const { NODE_OPTIONS = '' } = withMemoryHint({}, ['node'], size)
      return Number(execFileSync(command[0] ?? '', command.slice(1), { env: { NODE_OPTIONS } }).toString())
    }
    // The old space, and a young generation whose size V8 chooses.
    expect(limit(400_000_000)).toBeGreaterThanOrEqual(286 * 2 ** 20)
    expect(limit(400_000_000)).toBeLessThan(400_000_000 * 1.1)
    expect(limit(800_000_000) - limit(400_000_000)).toBe(286 * 2 ** 20)
  })
})

describe.skipIf(!javac)('Java', () => {
  it('takes its own percentages of its limit', () => {
    const heap = (options: string) => {
      const { JAVA_TOOL_OPTIONS = '' } = withMemoryHint({ JAVA_TOOL_OPTIONS: options }, ['java'], 1_024 * 2 ** 20)
      const env = { JAVA_TOOL_OPTIONS }
      const flags = execFileSync(join(dirname(javac ?? ''), 'java'), ['-XX:+PrintFlagsFinal', '-version'], {
        env,
        stdio: 'pipe',
      }).toString()
      return Number(/ MaxHeapSize += (\d+)/.exec(flags)?.[1]) / 2 ** 20
    }
    expect([heap(''), heap('-XX:MaxRAMPercentage=50')]).toEqual([256, 512])
  })
})
