/** Programs that ignore SIGTERM and have grandchildren: all are signalled, and after the grace period none is left. */
import { describe, expect, it } from 'vitest'
import { isGroupAlive } from '../../../src/supervisor/group/group.ts'
import { never, planFor, survivors, testSupervisor } from '../../supervisor/test-supervisor.ts'

/** Says that it was asked to end, and goes on. Its sleeps end, being asked as well. */
const stubborn = (name: string, then = '') =>
  `trap "echo ${name} was asked" TERM; echo ${name} is up; ${then} while :; do sleep 0.05; done`
/** Three generations, the last of them an orphan: the one between ends when it has started it. */
const family = stubborn(
  'child',
  `(${stubborn('grandchild', `(${stubborn('orphan')} ) & :;`)} ) & ((${stubborn('stray')}) & ) ;`,
)
const everyone = ['child', 'grandchild', 'orphan', 'stray']
const grace = 300

describe.each([
  { of: 'our own user', rights: undefined },
  ...(process.geteuid?.() === 0 ? [{ of: 'another user', rights: { user: { name: 'daemon' }, nice: 5 } }] : []),
])('a family of $of that ignores SIGTERM', ({ rights }) => {
  const plan = planFor('family', {
    command: ['sh', '-c', family],
    stop: { signal: 'SIGTERM', grace },
    restart: never,
    ...(rights && { rights }),
  })

  it('is asked to end, all of it, gets SIGKILL when the grace is over, and no one survives', async () => {
    const { supervisor, until, lines, logs, untilState } = testSupervisor([plan])
    supervisor.start()
    const { pid = 0 } = await untilState('family', 'running')
    const said = (text: string) => lines.some((line) => line.text === text)
    await until(() => everyone.every((name) => said(`${name} is up`)))
    const asked = performance.now()
    await supervisor.stop({ budget: 10_000 })
    const took = performance.now() - asked
    expect(took).toBeGreaterThan(grace - 5)
    expect(took).toBeLessThan(grace + 2_000)
    for (const name of everyone) expect(said(`${name} was asked`), name).toBe(true)
    expect(logs.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/^ignored SIGTERM for \d+m?s; sending SIGKILL to its process group$/),
    )
    expect(isGroupAlive(pid)).toBe(false)
    expect(survivors()).toEqual([])
  })

  it('is ended, too, when its first member ends by itself, before that is started anew', async () => {
    const again = { ...plan, restart: { ...plan.restart, policy: 'always' as const } }
    const { supervisor, until, lines, logs, status, untilState } = testSupervisor([again])
    supervisor.start()
    const { pid = 0 } = await untilState('family', 'running')
    await until(() => everyone.every((name) => lines.some((line) => line.text === `${name} is up`)))
    process.kill(pid, 'SIGKILL')
    await until(() => status('family').restarts === 1 && status('family').state === 'running')
    expect(isGroupAlive(pid)).toBe(false)
    expect(logs.map(({ message }) => message)).toContain(
      'left other processes in its group behind; sending SIGTERM to them',
    )
    expect(status('family').pid).not.toBe(pid)
  })
})
