import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { part } from '../parts.ts'
import { planFor, type TestSupervisor, testSupervisor } from './test-supervisor.ts'

const javac = part('javac')
const readyByLine = { kind: 'log', pattern: '^up$', every: 10, timeout: 100, deadline: 25_000 } as const

async function stopped(one: TestSupervisor): Promise<void> {
  one.supervisor.start()
  await one.untilState('app', 'running')
  await one.supervisor.stop({ budget: 10_000 })
}

function expectCleanStop({ logs, status }: TestSupervisor, exit: object): void {
  expect(status('app')).toMatchObject({ state: 'stopped', exit })
  expect(status('app').reason).toBeUndefined()
  expect(logs.at(-1)).toMatchObject({ level: 'info', message: 'stopped', fields: { exit } })
  expect(logs.filter(({ level }) => level !== 'info')).toEqual([])
}

it('a shell that says 143 after our SIGTERM was stopped, and did not fail', async () => {
  const command = ['/bin/sh', '-c', 'trap "exit 143" TERM; echo up; while :; do sleep 0.05; done']
  const one = testSupervisor([planFor('app', { command, ready: readyByLine })])
  await stopped(one)
  expectCleanStop(one, { code: 143, signal: null })
})

it.skipIf(!javac)('so was a Java', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-java-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const text =
    'class App { public static void main(String[] a) throws Exception { System.out.println("up"); Thread.sleep(60000); } }'
  writeFileSync(join(folder, 'App.java'), text)
  const command = [join(dirname(javac ?? ''), 'java'), '-XX:TieredStopAtLevel=1', join(folder, 'App.java')]
  const one = testSupervisor([planFor('app', { command, ready: readyByLine })])
  await stopped(one)
  expectCleanStop(one, { code: 143, signal: null })
})
