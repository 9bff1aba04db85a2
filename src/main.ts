#!/usr/bin/env node
import './cli/own-environment.ts'
import './cli/own-signals.ts'
import { cli } from './cli/cli.ts'
import { exitCodes } from './shared/exit-codes.ts'
import { endProcess } from './shared/system/process-end.ts'
import { flushStandardStreams } from './telemetry/standard-streams.ts'

const words = process.argv.slice(2)
// By this name top, ps and pgrep find it: Node calls its thread `node-MainThread`.
process.title = ['gatehouse', ...words].join(' ')
// What ends by itself before the verb is through, since nothing was left to wait for, has not done what it should.
process.exitCode = exitCodes.internal
cli(words).then(async (code) => {
  await flushStandardStreams()
  endProcess(code)
})
