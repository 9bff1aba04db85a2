/** The pod of a variant and what a test asks of it: its gateway, the environment that it gives, the plan that this makes. */
import { join } from 'node:path'
import { disk, type FileFacts } from '../../../src/config/file-facts.ts'
import type { Plan } from '../../../src/plan/model/plan.ts'
import { readPlan } from '../../../src/plan/read-plan.ts'
import { projectFolder } from '../../e2e/support/gatehouse.ts'
import { documentsOf, type Variant } from './documents.ts'
import type { Document } from './schema.ts'

export interface Container {
  readonly name: string
  readonly image: string
  readonly restartPolicy?: string
  readonly workingDir?: string
  readonly command?: readonly string[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[]
  readonly securityContext: {
    readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] }
    readonly [other: string]: unknown
  }
  readonly resources: { readonly requests: object; readonly limits: { readonly memory: string; readonly cpu?: string } }
  readonly lifecycle?: unknown
  readonly startupProbe?: Probe
  readonly readinessProbe?: Probe
  readonly livenessProbe?: Probe
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string | number }
  readonly exec?: { readonly command: readonly string[] }
  readonly periodSeconds: number
  readonly failureThreshold: number
}

export interface Pod {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  // biome-ignore lint/suspicious/noExplicitAny: its shape is the schema's
  readonly spec: any
  /** In the order in which they start. */
  readonly containers: readonly Container[]
  /** The one that is Gatehouse. */
  readonly gatehouse: Container
}

export const configs = { sidecar: 'config/sidecar.yaml', single: 'config/appsmith.yaml' } as const

export function podOf(variant: Variant): Pod {
  const { spec } = the(variant, variant === 'sidecar' ? 'Deployment' : 'StatefulSet')
  const { metadata, spec: pod } = spec.template
  const { containers, initContainers = [] } = pod
  return { ...metadata, spec: pod, containers: [...initContainers, ...containers], gatehouse: containers[0] }
}

/** The only document of its kind. */
export function the(variant: Variant, kind: string): Document {
  const [found, ...others] = documentsOf(variant).filter((document) => document.kind === kind)
  if (found === undefined || others.length > 0)
    throw new Error(`${variant}: ${others.length + 1} documents are ${kind}`)
  return found
}

export function environmentOf({ env = [] }: Container): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value]))
}

/** The image brings the product's files; the volume is that of an installation that had TLS in the container. */
function filesOf({ gatehouse: { volumeMounts } }: Pod): FileFacts {
  const settings = '/appsmith-stacks/configuration/docker.env'
  const volume = volumeMounts.some(({ mountPath }) => mountPath === '/appsmith-stacks')
  return {
    kindOf(path) {
      if (path.startsWith('/opt/appsmith/backend')) return 'absent' // that of older images
      if (/^\/(opt\/appsmith|site)\//.test(path)) return /\.[a-z]+$/.test(path) ? 'file' : 'directory'
      if (volume && path === settings) return 'file'
      return volume && path === '/appsmith-stacks' ? 'directory' : disk.kindOf(path)
    },
    read(path) {
      if (path.endsWith('/info.json')) return '{}'
      return path === settings ? 'APPSMITH_CUSTOM_DOMAIN=app.example.com\n' : disk.read(path)
    },
  }
}

/** What Gatehouse makes of its file in that pod. */
export function planOf(variant: Variant): Plan {
  const pod = podOf(variant)
  const environment = { PATH: process.env.PATH ?? '', ...environmentOf(pod.gatehouse) }
  const { plan, diagnostics } = readPlan(join(projectFolder, configs[variant]), environment, filesOf(pod))
  if (plan === undefined) throw new Error(`${configs[variant]}: ${JSON.stringify(diagnostics)}`)
  return plan
}
