/** A program that logs: what a test wants of it comes over IPC, as does what it has to tell. */
import { createLogger, type LoggerOptions } from '../../src/telemetry/logger.ts'

const logger = createLogger(JSON.parse(process.argv[2] ?? '{}') as LoggerOptions)
const log = logger.named('gatehouse')

export type Command = { readonly lines: number; readonly length: number } | 'flood' | 'levels' | 'fields' | 'end'

process.on('message', async (command: Command) => {
  if (command === 'levels') {
    log.info('an info')
    log.warn('a warning')
    log.error('an error')
    logger.output('web', 'stdout', 'a line of a child')
  } else if (command === 'flood') {
    for (let i = 0; i < 20_000; i++) logger.output('flood', 'stdout', 'x'.repeat(1_000))
    logger.output('web', 'stdout', 'a word of its sibling')
    log.info('a word of ours')
    process.send?.({ spoke: 0, rss: 0 })
  } else if (command === 'fields') {
    log.info('with fields', { url: 'http://a', nested: { list: [1, 'ü'] }, process: 'backend' })
  } else if (command === 'end') {
    const started = performance.now()
    await logger.flush()
    process.send?.({ flushed: performance.now() - started }, () => process.exit(0))
  } else {
    const started = performance.now()
    for (let i = 0; i < command.lines; i++) log.info(`${i} ${'x'.repeat(command.length)}`)
    // The next turn of the event loop shows whether the writing has held it up.
    setImmediate(() => process.send?.({ spoke: performance.now() - started, rss: process.memoryUsage.rss() }))
  }
})
