/** A supervisor with real programs, all of whose words are kept, and what waits on them. */
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect } from 'vitest'
import type { ProcessPlan } from '../../src/plan/model/plan.ts'
import type { LogFields } from '../../src/shared/log.ts'
import type { SupervisorEvent, TransitionEvent } from '../../src/supervisor/events/events.ts'
import type { OutputStream } from '../../src/supervisor/output/output-sink.ts'
import type { State } from '../../src/supervisor/process/machine.ts'
import type { ProcessStatus } from '../../src/supervisor/status.ts'
import { createSupervisor, type Supervisor, type SupervisorOptions } from '../../src/supervisor/supervisor.ts'
import { processesOf, type RunningProcess } from '../e2e/support/processes.ts'

const programs = join(import.meta.dirname, '../fixtures/programs')
const mark = `GATEHOUSE_TEST_RUN=${randomUUID()}`

export interface Line {
  readonly process: string
  readonly stream: OutputStream
  readonly text: string
}

export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

export interface TestSupervisor {
  readonly supervisor: Supervisor
  readonly events: readonly SupervisorEvent[]
  readonly lines: readonly Line[]
  /** What the log is given: lines, joined where the plan asks for it. */
  readonly records: readonly Line[]
  readonly logs: readonly LogEntry[]
  /** What `check` finds, looked for again after each event, line and word of the log. */
  until<T>(check: () => T | false | undefined): Promise<T>
  status(name: string): ProcessStatus
  untilState(name: string, state: State): Promise<ProcessStatus>
  /** `a:running` for each change of state, in order. */
  story(): string[]
}

type PlanOptions = Partial<Omit<ProcessPlan, 'name'>> & {
  readonly program?: string
  readonly words?: readonly string[]
}

/** A plan for one of the fixtures, with short times. */
export function planFor(name: string, { program = 'stays.js', words = [], ...options }: PlanOptions = {}): ProcessPlan {
  const [variable = '', value = ''] = mark.split('=')
  return {
    name,
    kind: 'service',
    command: [process.execPath, join(programs, program), ...words],
    directory: tmpdir(),
    dependsOn: [],
    restart: always({ failures: 5 }),
    essential: false,
    criticality: 'important',
    output: { files: true },
    stop: { signal: 'SIGTERM', grace: 10_000 },
    position: { file: 'test.yaml', line: 1, column: 1 } as unknown as ProcessPlan['position'],
    ...options,
    environment: { PATH: '/usr/bin:/bin', [variable]: value, ...options.environment },
  }
}

export function always({ failures = 5, next = 10, steady = 5_000 } = {}): ProcessPlan['restart'] {
  return { policy: 'always', backoff: { first: 0, next, max: 1_000 }, giveUp: { failures, within: 60_000 }, steady }
}

export const never: ProcessPlan['restart'] = { ...always(), policy: 'never' }

const open = new Set<Supervisor>()

/** Not started yet. Whatever runs of it is ended after the test, and nothing may be left then. */
export function testSupervisor(
  processes: readonly ProcessPlan[],
  more: Pick<SupervisorOptions, 'drain' | 'memory'> = {},
): TestSupervisor {
  const [events, lines, records, logs]: [SupervisorEvent[], Line[], Line[], LogEntry[]] = [[], [], [], []]
  const waiting = new Set<() => void>()
  const look = () => {
    for (const check of [...waiting]) check()
  }
  const say =
    (level: LogEntry['level']) =>
    (message: string, fields: LogFields = {}) => {
      logs.push({ level, message, fields })
      look()
    }
  const supervisor = createSupervisor({
    processes,
    output: {
      line(process, stream, text) {
        lines.push({ process, stream, text })
        look()
      },
      record(process, stream, text) {
        records.push({ process, stream, text })
        look()
      },
    },
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    ...more,
  })
  supervisor.subscribe((event) => {
    events.push(event)
    look()
  })
  open.add(supervisor)
  const status = (name: string) => {
    const found = supervisor.status().find((one) => one.name === name)
    if (!found) throw new Error(`no process ${name}`)
    return found
  }
  const until = <T>(check: () => T | false | undefined) =>
    new Promise<T>((resolve, reject) => {
      const failure = new Error('this was not found within 15 s')
      const timer = setTimeout(() => {
        failure.message += `; the log:\n${logs.map(({ message, fields }) => `${fields.process}: ${message}`).join('\n')}`
        reject(failure)
      }, 15_000)
      const test = () => {
        const found = check()
        if (!found) return
        clearTimeout(timer)
        waiting.delete(test)
        resolve(found)
      }
      waiting.add(test)
      test()
    })
  return {
    supervisor,
    events,
    lines,
    records,
    logs,
    until,
    status,
    untilState: (name, state) => until(() => status(name).state === state && status(name)),
    story: () => transitions(events).map(({ process, to }) => `${process}:${to}`),
  }
}

export function transitions(events: readonly SupervisorEvent[]): TransitionEvent[] {
  return events.filter((event) => event.type === 'transition')
}

/** What the tests of this file started and what still runs, by its environment: in whatever group or session. */
export function survivors(): RunningProcess[] {
  return processesOf(new Set(), mark)
}

/** Polls until all have ended: the kernel does not report the end of processes that are not our children. */
export async function untilNoSurvivors(): Promise<void> {
  const ends = performance.now() + 10_000
  while (survivors().length > 0 && performance.now() < ends) await sleep(10)
  expect(survivors()).toEqual([])
}

afterEach(async () => {
  const supervisors = [...open]
  open.clear()
  await Promise.all(supervisors.map((supervisor) => supervisor.stop({ budget: 0 })))
  // A probe's command was killed, which takes the kernel a moment.
  await untilNoSurvivors()
})
