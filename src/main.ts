#!/usr/bin/env node
import './cli/own-environment.ts'
import './cli/own-signals.ts'
import './cli/early-thread.ts'
import { cli } from './cli/cli.ts'
import { exitCodes } from './shared/exit-codes.ts'
import { endProcess } from './shared/system/process-end.ts'
import { flushStandardStreams } from './telemetry/standard-streams.ts'

const words = process.argv.slice(2)
// For top, ps and pgrep: Node calls its thread `node-MainThread`.
process.title = ['gatehouse', ...words].join(' ')
// If the event loop runs empty before the verb has completed, that is an internal error.
process.exitCode = exitCodes.internal
cli(words).then(async (code) => {
  await flushStandardStreams()
  endProcess(code)
})
