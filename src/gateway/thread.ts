/** The entry point of a gateway thread: messages from the main thread in, results out. */
import { parentPort } from 'node:worker_threads'
import type { GatewayPlan } from '../plan/model/plan.ts'
import { compilePathPattern } from '../plan/patterns/path-pattern.ts'
import { messageOf } from '../shared/errors.ts'
import { pathKey } from '../shared/net/canonical-path.ts'
import { type AccessLog, createAccessLog } from '../telemetry/access-log.ts'
import { createLogger } from '../telemetry/logger.ts'
import { Tally } from '../telemetry/metrics-tally.ts'
import { createGateway } from './gateway.ts'
import { startHeartbeat } from './heartbeat.ts'
import { destroyName, type FromThread, type ThreadSetup, type ToThread } from './messages.ts'
import { createMeter, noMeter } from './request/meter.ts'

// Until then it has only loaded its code: the plan may still be read.
parentPort?.once('message', serve)

function serve(setup: ThreadSetup): void {
  const heartbeat = startHeartbeat(setup.heartbeat)
  const logger = createLogger({ ...setup.log, terminal: setup.terminal, stdout: setup.stdout })
  const log = logger.named('gateway')
  const gateway = createGateway({
    accessLog: accessLogOf,
    meter: setup.tally ? createMeter(new Tally(setup.tally, (series) => send({ type: 'series', series }))) : noMeter,
    log,
    heartbeat,
    rateLimits: setup.rateLimits,
    storeChanged: (event) => send({ type: 'store', event }),
    ticketKey: setup.ticketKey,
  })

  function accessLogOf(plan: GatewayPlan): AccessLog {
    if (plan.accessLog === false) return () => {}
    const write = createAccessLog(logger)
    const skipped = plan.accessLog.skip.map(compilePathPattern)
    if (skipped.length === 0) return write
    return (record) => {
      const key = pathKey(record.path)
      if (!skipped.some(({ folded }) => folded(key))) write(record)
    }
  }

  async function handle(message: ToThread): Promise<void> {
    switch (message.type) {
      case 'apply':
        heartbeat.builds(true)
        try {
          await gateway.apply(message.plan, message.certificates, message.restoring)
          send({ type: 'applied', id: message.id })
        } catch (error) {
          send({ type: 'applied', id: message.id, error: messageOf(error) })
        } finally {
          heartbeat.builds(false)
        }
        return
      case 'certificates':
        try {
          gateway.setCertificates(message.certificates)
        } catch (error) {
          log.error(`cannot serve the new certificates, keeping the previous ones: ${messageOf(error)}`)
        }
        return
      case 'ticket-key':
        return gateway.renewTickets(message.key)
      case 'challenges':
        gateway.setChallenges(message.challenges)
        return send({ type: 'applied', id: message.id })
      case 'targets':
        return gateway.setTargets(message.targets)
      case 'drain-target': {
        const cut = await gateway.drainTarget(message.address, message.budget)
        return send({ type: 'target-drained', id: message.id, cut })
      }
      case 'withdraw':
        return gateway.withdraw()
      case 'drain': {
        const cut = await gateway.drain(message.budget)
        gateway.destroy()
        await logger.flush()
        send({ type: 'drained', cut })
        parentPort?.close()
      }
    }
  }

  parentPort?.on('message', (message: ToThread) => void handle(message))

  // A thread that ends with live h2 sessions takes the whole process with it (docs/adr/0015-ending-threads.md). The main
  // thread calls this through the inspector; 'exit' covers code that ends the thread by itself.
  Object.assign(globalThis, { [destroyName]: gateway.destroy })
  process.on('exit', gateway.destroy)

  // The thread's state is unknown now, so it is replaced; but its other requests need not be cut for that. The main
  // thread drains it as soon as its successor listens. Unhandled rejections arrive here too.
  let threw = false
  process.on('uncaughtException', (error) => {
    if (threw) return
    threw = true
    send({ type: 'threw', error: messageOf(error), ...(error instanceof Error && { stack: error.stack }) })
  })
}

function send(message: FromThread): void {
  parentPort?.postMessage(message)
}
