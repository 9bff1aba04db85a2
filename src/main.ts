#!/usr/bin/env node
import { cli } from './cli/cli.ts'

cli(process.argv.slice(2)).then((code) => process.exit(code))
