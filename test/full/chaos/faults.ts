/** What is done to the site. Four lanes at once; within one, faults follow each other. */
import { appendFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from './actors.ts'
import { withThreads } from './inspector.ts'
import { fileOf } from './payload.ts'
import { fileNames, linesOf, type Site, sitePath } from './site.ts'

/** What a thread is made to do, and the fault that the log names; a heap that fills slowly, on a busy machine, hangs first. */
const threadFaults = [
  [/threw/, 'setImmediate(() => { throw new Error("thrown by the chaos") })'],
  [/threw/, 'void Promise.reject(new Error("rejected by the chaos"))'],
  [/hung/, 'setImmediate(() => { for (;;); })'],
  [
    /heap-limit|hung/,
    'setImmediate(() => { const kept = []; for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5)) })',
  ],
  [/ended/, 'setImmediate(() => process.exit(9))'],
] as const

/** Milliseconds for which a thread that threw goes on with what it had begun, behind the start of its successor, and one more. */
const farewell = 12_000

/** Resolves when everything is whole again after the last fault; with the number of threads that were ended. */
export async function harm(
  stage: Omit<Stage, 'random'>,
  randomFor: (lane: number) => () => number,
  inspector: string,
): Promise<number> {
  const lane = (number: number) => ({ ...stage, random: randomFor(number) })
  const [ended] = await Promise.all([
    endThreads(lane(0), inspector),
    reloadEachSecond(lane(1)),
    harmOthers(lane(2)),
    replaceFiles(lane(3)),
  ])
  return ended
}

async function endThreads({ site, journal, random, signal }: Stage, inspector: string): Promise<number> {
  const { gatehouse } = site
  let ended = 0
  while (!signal.aborted) {
    await pause(8_000 + 10_000 * random(), undefined, { signal }).catch(() => {})
    if (signal.aborted) break
    const [fault, expression] = threadFaults[ended % threadFaults.length] ?? threadFaults[0]
    const after = gatehouse.lines.length
    const over = journal.excuse(farewell)
    const victim = await withThreads(inspector, async (threads) => {
      // The two that serve; others are on their way out.
      const thread = threads.at(-1 - Math.floor(random() * 2))
      void thread?.call('Runtime.evaluate', { expression }).catch(() => {}) // it may not live to answer
      const said = await gatehouse.waitFor({ fault }, { after, timeout: 60_000 })
      return `worker ${thread?.number}: ${said.message}`
    })
    ended += 1
    journal.note(`fault: ${victim}`)
    await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ }, { after, timeout: 60_000 })
    journal.note('over: the thread is replaced')
    over()
  }
  return ended
}

export async function reloadEachSecond({ site, journal, random, signal }: Stage): Promise<void> {
  const { gatehouse } = site
  for (let version = 1; !signal.aborted; version += 1) {
    const next = pause(1_000)
    const after = gatehouse.lines.length
    const broken = random() < 0.1
    site.writeConfig(version, broken)
    gatehouse.signal('SIGHUP')
    const begun = performance.now()
    const done = await gatehouse.waitFor(({ reload }) => reload !== undefined, { after, timeout: 60_000 })
    journal.note(`reload ${version}: ${done.message.slice(0, 120)} (${Math.round(performance.now() - begun)} ms)`)
    // While a thread is being replaced, what is right may be refused as well: it says that a thread was lost.
    const lost = /^reload refused: a gateway thread /.test(done.message)
    if ((done.reload === 'done') === broken && !lost) journal.accuse(`reload ${version}: ${done.message}`)
    await next
  }
}

async function harmOthers({ site, journal, random, signal }: Stage): Promise<void> {
  const { gatehouse } = site
  const faults: Record<string, () => Promise<unknown>> = {
    'the child gets SIGKILL': async () => {
      const after = gatehouse.lines.length
      process.kill(gatehouse.pidOf('app'), 'SIGKILL')
      await gatehouse.waitFor({ process: 'app', ready: true }, { after, timeout: 60_000 })
    },
    'the child is stopped': async () => {
      const pid = gatehouse.pidOf('app')
      process.kill(pid, 'SIGSTOP')
      await pause(500 + 3_000 * random())
      process.kill(pid, 'SIGCONT')
    },
    'a target gets SIGKILL': async () => {
      const target = site.targets[Math.floor(random() * site.targets.length)]
      await target?.kill()
      await pause(2_000 * random())
      await target?.start()
    },
    'Redis is frozen': async () => {
      site.redis.signal('SIGSTOP')
      await pause(500 + 3_000 * random())
      site.redis.signal('SIGCONT')
    },
    'the certificate is replaced': async () => site.replaceCertificate(),
  }
  const names = Object.keys(faults)
  while (!signal.aborted) {
    const name = names[Math.floor(random() * names.length)] ?? ''
    journal.note(`fault: ${name}`)
    await faults[name]?.()
    journal.note(`over: ${name}`)
    await pause(1_000 * random())
  }
}

async function replaceFiles({ site, random, signal }: Stage): Promise<void> {
  for (let version = 1; !signal.aborted; version += 1) {
    for (const name of fileNames.renamed) {
      writeFileSync(sitePath(site, `.${name}`), fileOf(version, linesOf(name)))
      renameSync(sitePath(site, `.${name}`), sitePath(site, name))
    }
    for (const name of fileNames.inPlace) await writeInPlace(site, name, version)
    await pause(1_000 * random())
  }
}

/** As a build tool does it: emptied, then written piece by piece. */
async function writeInPlace(site: Site, name: string, version: number): Promise<void> {
  const path = sitePath(site, name)
  const content = fileOf(version, linesOf(name))
  const piece = Math.ceil(content.length / 4)
  writeFileSync(path, '')
  for (let at = 0; at < content.length; at += piece) {
    appendFileSync(path, content.subarray(at, at + piece))
    await pause(5)
  }
}
