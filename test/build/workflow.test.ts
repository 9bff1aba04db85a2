/** The CI's workflow cannot be run here; that it names only what there is can be seen. */
import { accessSync, constants, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { projectFolder } from '../e2e/support/gatehouse.ts'

interface Step {
  readonly run?: string
  readonly uses?: string
}

interface Job {
  readonly 'runs-on': string
  readonly 'timeout-minutes': number
  readonly container: { readonly image: string; readonly options: string }
  readonly steps: readonly Step[]
}

const text = readFileSync(join(projectFolder, '.github/workflows/ci.yml'), 'utf8')
const { jobs } = parse(text, { strict: true }) as { readonly jobs: Readonly<Record<string, Job>> }
const { scripts } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}
const testFiles = globSync('test/**/*.test.ts', { cwd: projectFolder })

/** What is wrong with a command of a step, or nothing. */
function wrongWith(command: string): string | undefined {
  if (command === 'npm ci') return undefined
  const [, script, , filters] = /^npm run (\S+)( -- (.+))?$/.exec(command) ?? []
  if (script === undefined) return wrongWithFile(command)
  if (scripts[script] === undefined) return `package.json has no script ${script}`
  const missed = filters?.split(' ').filter((filter) => !testFiles.some((file) => file.includes(filter))) ?? []
  return missed.length > 0 ? `no test is called ${missed.join(' or ')}` : undefined
}

function wrongWithFile(path: string): string | undefined {
  try {
    accessSync(join(projectFolder, path), constants.X_OK)
    return undefined
  } catch (error) {
    return String(error)
  }
}

describe('the workflow of the CI', () => {
  it('has the tests, the images and, by night, everything', () => {
    expect(Object.keys(jobs)).toEqual(['test', 'images', 'full'])
  })

  it.each(Object.entries(jobs))('%s runs scripts that exist, on a checkout, with a timeout', (_, job) => {
    expect(job['timeout-minutes']).toBeGreaterThan(0)
    expect(job['runs-on']).toMatch(/^ubuntu-/)
    expect(job.container.options).toContain('--privileged')
    const [checkout, ...steps] = job.steps
    expect(checkout?.uses).toMatch(/^actions\/checkout@v\d+$/)
    expect(steps.length).toBeGreaterThan(0)
    for (const { run } of steps) expect(run === undefined ? 'a step without `run`' : wrongWith(run)).toBeUndefined()
  })

  it('would be found out if it named what there is not', () => {
    expect(wrongWith('npm run test:no-such-tier')).toContain('no script')
    expect(wrongWith('npm run test:full -- no-such-test')).toContain('no test')
    expect(wrongWith('.ci/no-such-script')).toContain('ENOENT')
  })

  it('runs the README’s own command, and every test of an image', () => {
    const commands = Object.values(jobs).flatMap(({ steps }) => steps.map(({ run }) => run))
    expect(commands).toContain('.ci/run')
    const images = testFiles.filter(
      (file) =>
        file.startsWith('test/full/') && readFileSync(join(projectFolder, file), 'utf8').includes('openWorkshop'),
    )
    expect(images.length).toBeGreaterThan(2)
    for (const file of images) expect(file).toContain('image.test')
  })

  it('names no host', () => {
    expect(text).not.toMatch(/:\/\/|\b[\w-]+\.(com|dev|io|net|org)\b/)
  })
})
