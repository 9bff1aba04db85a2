/** The documentation: every link leads somewhere, and every page can be found from the README. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const project = resolve(import.meta.dirname, '..')
const pages = [...globSync('*.md', { cwd: project }), ...globSync('{docs,config}/**/*.md', { cwd: project })].sort()

interface Link {
  readonly from: string
  readonly line: number
  readonly target: string
}

/** Outside of code, in which `[a](b)` means something else. */
function linksOf(page: string): readonly Link[] {
  const text = readFileSync(join(project, page), 'utf8').replace(/^```[\s\S]*?^```/gm, (block) =>
    block.replace(/[^\n]/g, ''),
  )
  return text.split('\n').flatMap((line, index) =>
    [...line.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => {
      return { from: page, line: index + 1, target }
    }),
  )
}

/** As the usual readers of Markdown make them: lower case, blanks as `-`, punctuation gone. */
function anchorsOf(page: string): ReadonlySet<string> {
  const headings = readFileSync(join(project, page), 'utf8').matchAll(/^#+ (.+)$/gm)
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\- ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** What is wrong with a link; undefined: nothing. */
function faultOf({ from, line, target }: Link): string | undefined {
  const place = `${from}:${line}: ${target}`
  if (/^[a-z]+:/.test(target)) return `${place} leaves the project: nobody here checks that it is still there`
  const [path = '', anchor] = target.split('#')
  const page = path === '' ? from : relative(project, resolve(project, dirname(from), path))
  if (!existsSync(join(project, page))) return `${place} does not exist`
  return anchor === undefined || anchorsOf(page).has(anchor) ? undefined : `${place} has no such heading`
}

describe('the documentation', () => {
  it.each(pages)('%s has only links that lead somewhere', (page) => {
    expect(linksOf(page).flatMap((link) => faultOf(link) ?? [])).toEqual([])
  })

  it('every page can be reached from the README', () => {
    const reached = new Set(['README.md'])
    for (const page of reached)
      for (const { from, target } of linksOf(page)) {
        const found = relative(project, resolve(project, dirname(from), target.split('#')[0] ?? ''))
        if (pages.includes(found)) reached.add(found)
      }
    const records = pages.filter((page) => page.startsWith('docs/adr/') || page === 'CHANGELOG.md')
    expect(pages.filter((page) => !reached.has(page) && !records.includes(page))).toEqual([])
  })

  it('a link that leads nowhere is found', () => {
    const link = (target: string) => faultOf({ from: 'docs/probes.md', line: 1, target })
    expect(link('nowhere.md')).toContain('does not exist')
    expect(link('../README.md#no-such-heading')).toContain('has no such heading')
    expect(link('processes.md#memory')).toBeUndefined()
  })
})
