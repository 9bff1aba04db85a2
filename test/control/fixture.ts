import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Status } from '../../src/control/contract/contract.ts'
import type { ControlSource } from '../../src/control/control-source.ts'
import { type Control, openControl } from '../../src/control/server.ts'
import { reserveSocket } from '../../src/control/socket.ts'

/** A folder that is gone when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A control that is closed when the test ends, answering with `status`; nothing happens unless `source` says so. */
export async function opened(
  socket: string,
  status: () => Status = () => sampleStatus,
  source: Partial<ControlSource> = {},
): Promise<Control> {
  const control = await openControl({
    socket: await reserveSocket(socket),
    source: { ...uneventful, status, ...source },
  })
  onTestFinished(() => control.close())
  return control
}

const uneventful: Omit<ControlSource, 'status'> = {
  events: { lastEvent: 0, since: () => undefined, subscribe: () => () => {} },
  previewReload: async () => ({ processes: [], live: [], nextStart: [] }),
  run: (name) => ({ started: false, refusal: 'unknown-process', message: `there is no process ${name}` }),
  renew: async (name) => ({
    renewed: false,
    refusal: 'unknown-certificate',
    message: `no certificate for ${name}`,
  }),
}

export const sampleStatus: Status = {
  version: '0.1.0',
  pid: process.pid,
  startedAt: 1_790_000_000_000,
  uptime: 93_784_000,
  config: '/etc/gatehouse.yaml',
  stopping: false,
  gateway: { threads: 2, serving: 2 },
  listeners: [{ name: 'http', address: 'localhost:8080', tls: false }],
  processes: [
    {
      name: 'backend',
      kind: 'service',
      wanted: true,
      state: 'running',
      ready: true,
      pid: 77,
      startedAt: 1_790_000_001_000,
      uptime: 93_783_000,
      restarts: 1,
      waitingFor: [],
      exit: { code: null, signal: 'SIGKILL' },
      essential: true,
      criticality: 'important',
    },
    {
      name: 'frontend',
      kind: 'service',
      wanted: true,
      state: 'waiting',
      ready: false,
      restarts: 0,
      waitingFor: ['backend'],
      essential: false,
      criticality: 'rebuildable',
    },
  ],
  certificates: [
    {
      names: ['localhost'],
      source: 'internal',
      issuer: 'Gatehouse internal CA 01234567',
      notAfter: '2046-01-02T03:04:05.000Z',
      skipped: [{ source: 'files', error: '/none.pem: the certificate file does not exist' }],
      fallback: false,
      renewal: { due: 1_790_000_100_000, advised: true, failures: 0, underWay: false },
    },
  ],
  warnings: [],
}
