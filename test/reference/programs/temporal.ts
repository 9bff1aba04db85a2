/** Temporal's command line: namespaces are described when they have been created, search attributes listed. */
import { existsSync } from 'node:fs'
import { sayCommandLine } from './listen.ts'
import { remember, temporalFile } from './temporal-state.ts'

const words = process.argv.slice(2).join(' ')
if (words.includes('namespace describe') && !existsSync(temporalFile('namespace'))) process.exit(1)
if (words.includes('namespace create')) remember('namespace')
if (words.includes('search-attribute list'))
  console.log(existsSync(temporalFile('attribute')) ? 'appsmithWorkflowId' : '')
else sayCommandLine('temporal')
if (words.includes('search-attribute create')) remember('attribute')
