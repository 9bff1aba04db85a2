import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { CertificatePlan, CertificateSourcePlan } from '../../src/plan/model/plan.ts'
import type { Log } from '../../src/shared/log.ts'

/** A folder that is gone when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 10 }))
  return folder
}

export interface RecordedLog extends Log {
  readonly lines: string[]
}

/** Keeps what was said as `level: message`. */
export function recordedLog(): RecordedLog {
  const lines: string[] = []
  return {
    lines,
    info: (message) => lines.push(`info: ${message}`),
    warn: (message) => lines.push(`warn: ${message}`),
    error: (message) => lines.push(`error: ${message}`),
  }
}

export type FilesSource = Extract<CertificateSourcePlan, { kind: 'files' }>

/** The pair as files of their own, the key private to its owner. */
export async function writtenPair(
  folder: string,
  pair: { readonly certificate: string; readonly key: string },
): Promise<FilesSource> {
  const source = {
    kind: 'files',
    certificate: join(folder, 'chain.pem'),
    key: join(folder, 'key.pem'),
    anyName: false,
  } as const
  await writeFile(source.certificate, pair.certificate)
  await writeFile(source.key, pair.key, { mode: 0o600 })
  return source
}

export function certificatePlan(domains: readonly string[], ...use: CertificateSourcePlan[]): CertificatePlan {
  return { domains, use, position: { file: '/etc/gatehouse.yaml', line: 12, column: 5 } }
}
