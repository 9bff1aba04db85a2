/** docs/troubleshooting.md quotes what Gatehouse says; somebody who searches for a line of the log must find it there. */
import { globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '..')

/** Said by Node, and passed on by us. */
const othersWords = ['connect ECONNREFUSED', 'getaddrinfo ENOTFOUND']

/** All sources as one text, with a `…` for every value that is put into a sentence. */
const sources = globSync('src/**/*.ts', { cwd: project })
  .map((file) => readFileSync(join(project, file), 'utf8').replaceAll('\\`', '`'))
  .join('\n')
  .replace(/\$\{[^{}]*\}/g, '…')

/** The code of the cells in which a page quotes: of the columns whose heading is `error`, or says that somebody says it. */
function quotesOf(page: string): readonly string[] {
  const text = readFileSync(join(project, page), 'utf8')
  return text.split(/\n(?=\| .*\n\| ---)/).flatMap((part) => {
    const [heading = '', , ...rows] = part.split('\n').filter((line) => line.startsWith('|'))
    const quoting = cellsOf(heading).flatMap((cell, index) => (/ says$|^`error`$/.test(cell) ? [index] : []))
    const cells = rows.flatMap((row) => quoting.map((index) => cellsOf(row)[index] ?? ''))
    return cells.flatMap((cell) => [...cell.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , quote = '']) => quote))
  })
}

function cellsOf(row: string): readonly string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** Parts of a sentence that are written in one place: what stands between its values (durations, numbers, names) and marks. */
function piecesOf(quote: string): readonly string[] {
  const between = /…|[:;,] |\b\d+(?::\d+)*(?:\.\d+)?(?:ms|s|m|h|MB)?\b|\bSIG[A-Z]+\b|\bmongodb\b|\bFILE\b/g
  return quote
    .split(between)
    .map((piece) => piece.trim())
    .filter((piece) => /[a-z]{3}/.test(piece))
}

describe('docs/troubleshooting.md', () => {
  const quotes = quotesOf('docs/troubleshooting.md')

  it('quotes messages that exist', () => {
    expect(quotes.length).toBeGreaterThan(50)
    const unsaid = quotes.flatMap((quote) =>
      piecesOf(quote)
        .filter((piece) => !sources.includes(piece))
        .filter((piece) => !othersWords.some((words) => piece.endsWith(words) && sources.includes('`upstream: …`')))
        .map((piece) => `${quote}: nobody says "${piece}"`),
    )
    expect(unsaid).toEqual([])
  })
})
