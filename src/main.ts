#!/usr/bin/env node
import './cli/own-environment.ts'
import { cli } from './cli/cli.ts'

const words = process.argv.slice(2)
// By this name top, ps and pgrep find it: Node calls its thread `node-MainThread`.
process.title = ['gatehouse', ...words].join(' ')
cli(words).then((code) => process.exit(code))
