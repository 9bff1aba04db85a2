/** The manifests of config/, put together as kustomize does it, by what our kustomizations ask of it and no more. */
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseAllDocuments, stringify } from 'yaml'
import * as z from 'zod'
import { projectFolder } from '../../e2e/support/gatehouse.ts'
import type { Document } from './schema.ts'

export const variants = { sidecar: 'config', single: 'config/kubernetes/single' } as const

export type Variant = keyof typeof variants

/** Strict: a field that is misspelt, or that is not put together here, is a mistake. */
const kustomization = z.strictObject({
  apiVersion: z.literal('kustomize.config.k8s.io/v1beta1'),
  kind: z.literal('Kustomization'),
  namespace: z.string().optional(),
  resources: z.array(z.string()),
  configMapGenerator: z.array(z.strictObject({ name: z.string(), files: z.array(z.string()) })).default([]),
  images: z.array(z.strictObject({ name: z.string(), newName: z.string(), newTag: z.string() })).default([]),
})

/** Every document, with its namespace and images; names have no hash at the end. Throws for what cannot be built. */
export function documentsOf(variant: Variant): Document[] {
  return build(join(projectFolder, variants[variant]))
}

function build(folder: string): Document[] {
  const [written] = documentsIn(join(folder, 'kustomization.yaml'))
  const { namespace, resources, configMapGenerator, images } = kustomization.parse(written)
  const documents = [
    ...resources.flatMap((resource) =>
      resource.endsWith('.yaml') ? (documentsIn(join(folder, resource)) as Document[]) : build(join(folder, resource)),
    ),
    ...configMapGenerator.map(({ name, files }) => configMap(folder, name, files)),
  ]
  // As text: an image and a namespace are named alike wherever they stand.
  const named = images.reduce(
    (text, { name, newName, newTag }) => text.replaceAll(`image: ${name}\n`, `image: ${newName}:${newTag}\n`),
    documents.map((document) => stringify(document, { aliasDuplicateObjects: false })).join('---\n'),
  )
  const built = parseAllDocuments(named).map((document) => document.toJS() as Document)
  if (namespace === undefined) return built
  return built.map((document) =>
    document.kind === 'Namespace' ? document : { ...document, metadata: { ...document.metadata, namespace } },
  )
}

function configMap(folder: string, name: string, files: readonly string[]): Document {
  const entries = files.map((file) => {
    const [key = '', path = key] = file.split('=')
    return [basename(key), readFileSync(join(folder, path), 'utf8')]
  })
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: Object.fromEntries(entries) }
}

/** Throws for a file that is not YAML, that has a key twice, or that is empty. */
export function documentsIn(file: string): unknown[] {
  const documents = parseAllDocuments(readFileSync(file, 'utf8'))
  if (documents.length === 0) throw new Error(`${file}: no document`)
  return documents.map((document) => {
    for (const error of document.errors) throw new Error(`${file}: ${error.message}`)
    return document.toJS()
  })
}
