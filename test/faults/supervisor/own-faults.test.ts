/** Faults of Gatehouse itself: it ends, but not without its children. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectFolder, source, startGatehouse } from '../../e2e/support/gatehouse.ts'

const program = join(projectFolder, 'test/fixtures/programs/stays.js')

/** Two uncaught errors, the second while the end is under way. */
const faulty = `process.once('SIGUSR2', () => {
  setTimeout(() => { throw new Error('the first fault') }, 0)
  setTimeout(() => { throw new Error('the second fault') }, 150)
})`

it('two uncaught errors end it with 70, after all children have ended as they were asked to', async () => {
  const [node = '', main = ''] = source
  const gatehouse = startGatehouse({
    command: [node, '--import', `data:text/javascript,${encodeURIComponent(faulty)}`, main],
    config: `
control: { socket: ./control.sock }
storage: ./storage
processes:
  db:
    command: [node, ${program}]
    ready: { log: ^up$ }
    environment: { set: { DELAY: "600" } }
`,
  })
  try {
    await gatehouse.ready()
    gatehouse.signal('SIGUSR2')
    expect(await gatehouse.exit).toEqual({ code: 70, signal: null })
    const errors = gatehouse.lines.filter(({ level }) => level === 'error').map(({ message }) => message.split('\n')[0])
    expect(errors).toEqual(['internal error: Error: the first fault', 'internal error: Error: the second fault'])
    const { exit } = await gatehouse.waitFor({ process: 'db', state: 'stopped' })
    expect(exit).toEqual({ code: 0, signal: null })
  } finally {
    // Rejects if anything is left behind.
    await gatehouse.stop()
  }
})
