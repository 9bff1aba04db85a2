/** What kustomize itself makes of config/, beside what the other tests put together to look at it. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { documentsOf, type Variant, variants } from '../reference/kubernetes/documents.ts'
import { type Document, mistakesIn } from '../reference/kubernetes/schema.ts'
import { kustomize } from './parts/kustomize.ts'

const part = await kustomize()
if ('missing' in part) console.log(`skipped: ${part.missing}`)
const program = 'program' in part ? part.program : undefined

async function built(folder: string): Promise<{ text: string; documents: Document[] }> {
  const { stdout, stderr } = await promisify(execFile)(program ?? '', ['build', folder])
  expect(stderr).toBe('') // it warns of what it will not know one day
  return { text: stdout, documents: parseAllDocuments(stdout).map((document) => document.toJS() as Document) }
}

const byKind = (documents: readonly Document[]) => Object.fromEntries(documents.map((one) => [one.kind, one]))

describe.skipIf(program === undefined).each(Object.keys(variants) as Variant[])('kustomize, variant %s', (variant) => {
  it('builds documents without a mistake, the same that the other tests look at', async () => {
    const { text, documents } = await built(join(projectFolder, variants[variant]))
    for (const document of documents) expect([document.kind, await mistakesIn(document)]).toEqual([document.kind, []])
    // The hash at the end of its name is known only now, and the deployment names it so.
    const hashed = documents.find(({ kind }) => kind === 'ConfigMap')?.metadata.name
    if (variant === 'sidecar') expect(hashed).toMatch(/^gatehouse-[a-z0-9]{10}$/)
    const plain = hashed === undefined ? text : text.replaceAll(hashed, 'gatehouse')
    const found = parseAllDocuments(plain).map((document) => document.toJS() as Document)
    expect(byKind(found)).toEqual(byKind(documentsOf(variant)))
  })
})

it.skipIf(program === undefined)('kustomize builds the overlay of docs/kubernetes.md', async () => {
  const page = readFileSync(join(projectFolder, 'docs/kubernetes.md'), 'utf8')
  const [, overlay = ''] = /```yaml\n(# kustomization\.yaml\n.*?)```/s.exec(page) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-overlay-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  // A resource is named relative to the file.
  const config = relative(realpathSync(folder), join(projectFolder, 'config'))
  writeFileSync(join(folder, 'kustomization.yaml'), overlay.replace('../config', config))
  const { text, documents } = await built(folder)
  expect(text).not.toMatch(/registry\.example|appsmith\.example\.com|efs-sc/)
  expect(byKind(documents).Ingress?.spec.rules[0].host).toBe('apps.example.org')
  expect([...text.matchAll(/image: (.*)/g)].map(([, image]) => image)).toEqual([
    'ghcr.example/us/gatehouse:0.1.0',
    ...Array(4).fill('ghcr.example/us/appsmith:1.80'),
  ])
})
