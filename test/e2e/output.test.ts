import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { projectFolder } from './support/gatehouse.ts'

it('keeps serving when the reader of its stdout has gone away', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-output-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [port] = await freePorts(1)
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(
    file,
    `gateway: { listeners: { http: { address: "127.0.0.1:${port}" } }, routes: [{ files: { root: . } }] }
processes: { talker: { command: [node, -e, "setInterval(() => console.log('word'), 5)"] } }
storage: ./storage
control: { socket: ./control.sock }
`,
  )
  const PATH = `${projectFolder}/node_modules/.bin:${process.env.PATH}`
  const child = spawn(join(projectFolder, 'dist/gatehouse'), ['run', file], {
    env: { PATH },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  const talks = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk
      if (said.includes('"word"')) resolve()
    })
  })
  await talks
  child.stdout.destroy()

  for (let i = 0; i < 100; i += 1) {
    const response = await fetch(`http://127.0.0.1:${port}/gatehouse.yaml`)
    expect(response.status).toBe(200)
    await response.arrayBuffer()
  }
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
})
