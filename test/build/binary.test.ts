/** The binary as it is shipped: alone, away from the sources, with nothing but system libraries. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectFolder, runGatehouse, startGatehouse } from '../e2e/support/gatehouse.ts'

const path = join(projectFolder, 'dist/gatehouse')
const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { version: string }

describe('dist/gatehouse', () => {
  it('prints its version', async () => {
    expect(await runGatehouse(['--version'])).toEqual({ code: 0, signal: null, stdout: `${version}\n`, stderr: '' })
  })

  it('explains itself', async () => {
    const { code, stdout, stderr } = await runGatehouse(['--help'])
    expect(stdout).toContain('gatehouse run gatehouse.yaml')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('leaves NODE_OPTIONS to the programs in the container', async () => {
    const env = { NODE_OPTIONS: '--require=/nowhere/agent.js' }
    expect(await runGatehouse(['--version'], { env })).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  it('needs only glibc, libstdc++, libgcc and libatomic', () => {
    const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' })
    const needed = stdout.split('\n').flatMap((line) => /^\s*(\S+)/.exec(line)?.[1] ?? [])
    expect(needed).toContain('libc.so.6')
    const allowed = /^(linux-vdso|libc|libm|libdl|libpthread|libgcc_s|libstdc\+\+|libatomic)\.so\.\d+$|ld-linux/
    expect(needed.filter((name) => !allowed.test(name))).toEqual([])
  })

  it('comes with a list of what is in it, with licenses, as CycloneDX has it', () => {
    const text = readFileSync(`${path}.cdx.json`, 'utf8')
    const { bomFormat, metadata, components } = JSON.parse(text) as {
      bomFormat: string
      metadata: { component: object }
      components: { name: string; version: string; licenses?: object[] }[]
    }
    expect(bomFormat).toBe('CycloneDX')
    expect(metadata.component).toMatchObject({ name: 'gatehouse', version })
    const { dependencies } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8'))
    const node = { node: process.versions.node }
    for (const [name, at] of Object.entries({ ...dependencies, ...node }))
      expect(components).toContainEqual(expect.objectContaining({ name, version: at }))
    expect(components.filter(({ licenses = [] }) => licenses.length === 0).map(({ name }) => name)).toEqual([])
    expect(components.map(({ name }) => name)).not.toContain('vitest')
    expect(text).not.toContain(projectFolder)
  })

  it('holds no path of the machine that built it', () => {
    expect(readFileSync(path).includes(`${projectFolder}/`)).toBe(false)
  })

  it('runs without Node on the PATH, gateway thread included, and warns of nothing', async () => {
    const gatehouse = startGatehouse({
      env: { PATH: '/nowhere' },
      config: `
gateway: { listeners: { http: { address: "127.0.0.1:0" } }, routes: [{ files: { root: . } }] }
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    try {
      const response = await fetch(`${await gatehouse.url('http')}/gatehouse.yaml`)
      expect(response.status).toBe(200)
      expect(await response.text()).toBe(readFileSync(gatehouse.file, 'utf8'))
      expect(gatehouse.stderr).toBe('')
    } finally {
      expect(await gatehouse.stop()).toEqual({ code: 0, signal: null })
    }
  })
})
