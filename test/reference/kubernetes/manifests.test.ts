/** The manifests against Kubernetes' own schemas, and against the plan that Gatehouse makes of its file in such a pod. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectFolder } from '../../e2e/support/gatehouse.ts'
import { documentsIn, documentsOf, type Variant, variants } from './documents.ts'
import { type Container, configs, environmentOf, type Probe, planOf, podOf, the } from './pod.ts'
import { type Document, mistakesIn } from './schema.ts'

const both = Object.keys(variants) as Variant[]

/** All of them are among those that the level `baseline` allows, and `restricted` allows none of them. */
const capabilitiesOf = { sidecar: [], single: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'SETGID', 'SETUID'] }

/** What the container runtime needs for itself between the end of the last process and SIGKILL, in seconds. */
const margin = 10

function annotation(name: string): string {
  const { annotations = {} } = the('sidecar', 'Ingress').metadata
  const value = annotations[`alb.ingress.kubernetes.io/${name}`]
  if (value === undefined) throw new Error(`the ingress has no ${name}`)
  return value
}

/** One of `a=1,b=2`. */
function attribute(list: string, name: string): string | undefined {
  const pairs = annotation(list)
    .split(',')
    .map((pair) => pair.split('='))
  return pairs.find(([key]) => key === name)?.[1]
}

function seconds({ periodSeconds, failureThreshold }: Probe): number {
  return periodSeconds * failureThreshold
}

describe('the schema check', () => {
  const service = (spec: object): Document => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec })

  it('finds what no schema knows, at any depth, and what no field may have', async () => {
    expect(await mistakesIn(service({ ports: [{ port: 80, targetPort: 'http' }], selector: { any: 'name' } }))).toEqual(
      [],
    )
    expect(await mistakesIn(service({ ports: [{ port: 80, appProtokoll: 'http' }] }))).toEqual([
      '/spec/ports/0/appProtokoll: no such field',
    ])
    expect(await mistakesIn(service({ ports: [{ port: 'http' }] }))).toEqual([
      expect.stringMatching(/^\/spec\/ports\/0\/port: type /),
    ])
    await expect(mistakesIn({ apiVersion: 'v1', kind: 'Sevrice', metadata: { name: 'x' } })).rejects.toThrow('Sevrice')
  })
})

describe.each(both)('the manifests of the variant %s', (variant) => {
  const { spec: pod, labels, annotations, containers, gatehouse } = podOf(variant)
  const plan = planOf(variant)

  it('are what the schemas of Kubernetes ask for, and nothing else', async () => {
    const documents = documentsOf(variant)
    expect(documents.length).toBeGreaterThan(4)
    const wrong = documents.map(async (document) => [document.kind, await mistakesIn(document)])
    expect(Object.fromEntries(await Promise.all(wrong))).toEqual(
      Object.fromEntries(documents.map(({ kind }) => [kind, []])),
    )
  })

  it('listen where the service, the probes and the scrapes look', () => {
    const ports = Object.fromEntries((gatehouse.ports ?? []).map(({ name, containerPort }) => [name, containerPort]))
    // And no other: TLS ends at the load balancer, also where a volume knows a domain.
    expect(plan.gateway.listeners).toMatchObject([{ name: 'http', port: ports.http, health: true }])
    expect(plan.gateway.listeners[0]?.host).toBeUndefined() // the pod's own address is asked
    expect(plan.metrics).toEqual({ port: ports.metrics })
    expect(annotations['prometheus.io/port']).toBe(String(ports.metrics))
    expect(the(variant, 'Service').spec).toMatchObject({
      selector: labels,
      ports: [{ name: 'http', targetPort: 'http' }],
    })
    const { backend } = the(variant, 'Ingress').spec.rules[0].http.paths[0]
    expect(backend.service).toEqual({ name: the(variant, 'Service').metadata.name, port: { name: 'http' } })
  })

  it('open no privileged port and know no password', () => {
    for (const { ports = [] } of containers)
      for (const { containerPort } of ports) expect(containerPort).toBeGreaterThan(1023)
    for (const name of containers.flatMap((container) => Object.keys(environmentOf(container))))
      expect(name).not.toMatch(/PASSWORD|SECRET|SALT|_URL$|_KEY$/)
  })

  it('set no variable that the configuration does not read', () => {
    const text = readFileSync(join(projectFolder, configs[variant]), 'utf8')
    for (const name of Object.keys(environmentOf(gatehouse))) expect(text).toMatch(new RegExp(`\\b${name}\\b`))
  })

  it('give each container a root that is read-only, the rights that it needs, and a limit of memory', () => {
    const { runAsUser, runAsNonRoot, seccompProfile } = pod.securityContext
    expect([runAsUser, runAsNonRoot]).toEqual(variant === 'sidecar' ? [10_001, true] : [0, undefined])
    expect(seccompProfile).toEqual({ type: 'RuntimeDefault' })
    expect(pod.automountServiceAccountToken).toBe(false)
    for (const { securityContext, resources } of containers) {
      const { capabilities, ...others } = securityContext
      expect(others).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true })
      expect(capabilities.drop).toEqual(['ALL'])
      expect(capabilities.add ?? []).toEqual(capabilitiesOf[variant])
      expect(resources.limits.memory).toMatch(/^\d+[MG]i$/)
      expect(resources.requests).toMatchObject({ cpu: expect.any(String), memory: expect.any(String) })
    }
    const level = the(variant, 'Namespace').metadata.labels?.['pod-security.kubernetes.io/enforce']
    expect(level).toBe(variant === 'sidecar' ? 'restricted' : 'baseline')
  })

  it('mount every volume that they name, and a writable one wherever Gatehouse writes', () => {
    const claims = variant === 'single' ? the(variant, 'StatefulSet').spec.volumeClaimTemplates : []
    const volumes = [...pod.volumes, ...claims.map(({ metadata }: Document) => metadata)].map(({ name }) => name)
    const mounted = containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name))
    expect([...new Set(mounted)].sort()).toEqual(volumes.sort())
    const writable = gatehouse.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => `${mountPath}/`)
    const written = [plan.control.socket, `${plan.storage}/`, ...(plan.log.files ? [plan.log.files.directory] : [])]
    for (const path of written)
      expect(
        writable.some((folder) => path.startsWith(folder)),
        path,
      ).toBe(true)
  })

  it('are waited for as long as the stop may take', () => {
    const graces = variant === 'single' ? [] : [programOf('backend').stop.grace, programOf('rts').stop.grace]
    const longest = plan.shutdown.budget + Math.max(0, ...graces)
    expect(pod.terminationGracePeriodSeconds).toBe(longest / 1000 + margin)
    // The gateway waits by itself, with its readiness at 503.
    for (const { lifecycle } of containers) expect(lifecycle).toBeUndefined()
  })

  it('admit the proxies that the gateway trusts, and Prometheus', () => {
    const [clients, scrapes] = the(variant, 'NetworkPolicy').spec.ingress
    const ranges: string[] = clients.from.map((peer: { ipBlock: { cidr: string } }) => peer.ipBlock.cidr)
    const loopback = ['127.0.0.0/8', '::1/128']
    expect(plan.gateway.trustedProxies.filter((range) => !loopback.includes(range)).sort()).toEqual(ranges.sort())
    expect([clients.ports, scrapes.ports]).toEqual([
      [{ protocol: 'TCP', port: 'http' }],
      [{ protocol: 'TCP', port: 'metrics' }],
    ])
  })
})

/** A program of the product, as the single container runs it. */
function programOf(name: string) {
  const found = planOf('single').processes.find((process) => process.name === name)
  if (found === undefined) throw new Error(`config/appsmith.yaml has no ${name}`)
  return found
}

describe('the sidecar in Kubernetes', () => {
  const { spec: pod, containers, gatehouse } = podOf('sidecar')
  const plan = planOf('sidecar')

  it('reads config/sidecar.yaml itself, where the image looks for it', () => {
    const { metadata, data } = the('sidecar', 'ConfigMap')
    const text = readFileSync(join(projectFolder, 'config/sidecar.yaml'), 'utf8')
    expect(data).toEqual({ 'gatehouse.yaml': text })
    expect(pod.volumes).toContainEqual({ name: 'config', configMap: { name: metadata.name } })
    expect(gatehouse.volumeMounts).toContainEqual({ name: 'config', mountPath: '/etc/gatehouse', readOnly: true })
  })

  it('is probed where it serves its health', () => {
    const { live, ready } = plan.gateway.health
    expect(gatehouse.startupProbe?.httpGet).toEqual({ path: live, port: 'http' })
    expect(gatehouse.livenessProbe?.httpGet).toEqual({ path: live, port: 'http' })
    expect(gatehouse.readinessProbe?.httpGet).toEqual({ path: ready, port: 'http' })
    expect(annotation('healthcheck-path')).toBe(ready)
  })

  it('ends before the programs behind it: they are sidecars, and it is the container', () => {
    const sidecars = containers.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name)
    expect(sidecars).toEqual(['rts', 'mcp', 'backend'])
    expect(pod.containers.map(({ name }: Container) => name)).toEqual(['gateway'])
  })

  it('outlives the balancer in silence, and lets it finish', () => {
    const idle = Number(attribute('load-balancer-attributes', 'idle_timeout.timeout_seconds')) * 1000
    expect(plan.gateway.limits.idleTimeout).toBeGreaterThanOrEqual(idle + 10_000)
    const { budget, deregistrationDelay } = plan.shutdown
    const noticed = Number(annotation('healthcheck-interval-seconds')) * Number(annotation('unhealthy-threshold-count'))
    expect(deregistrationDelay).toBeGreaterThanOrEqual(2 * noticed * 1000)
    expect(Number(attribute('target-group-attributes', 'deregistration_delay.timeout_seconds'))).toBe(budget / 1000)
  })

  it('is documented with the numbers that it has', () => {
    const page = readFileSync(join(projectFolder, 'docs/kubernetes.md'), 'utf8')
    const { budget, deregistrationDelay } = plan.shutdown
    const moments = [deregistrationDelay, budget, budget + programOf('backend').stop.grace].map((time) => time / 1000)
    const [refused, ended, killed] = moments
    const table = [`\\n\\| ${refused} s \\|`, `\\n\\| ${ended} s at most \\|`, `\\n\\| ${killed} s at most \\|`]
    expect(page).toMatch(new RegExp([...table, `\\n\\| ${pod.terminationGracePeriodSeconds} s \\|`].join('[^]*')))
  })

  it.each(['rts', 'backend'])('%s is started and asked as in the single container', (name) => {
    const container = containers.find((one) => one.name === name)
    const { command, directory, port, ready, alive } = programOf(name)
    expect(container?.workingDir).toBe(directory)
    expect([container?.command?.[0], container?.command?.at(-1)]).toEqual([command[0], command.at(-1)])
    const path = ready?.kind === 'http' ? new URL(ready.url).pathname : undefined
    for (const probe of [container?.startupProbe, container?.livenessProbe])
      expect(probe?.httpGet).toEqual({ path, port })
    if (!container?.startupProbe || !container.livenessProbe || !ready || !alive) throw new Error('a probe is missing')
    expect(seconds(container.startupProbe) * 1000).toBeGreaterThanOrEqual(name === 'backend' ? ready.deadline : 60_000)
    expect(seconds(container.livenessProbe) * 1000).toBeGreaterThanOrEqual(alive.every * alive.failures)
  })

  it('is replaced by one that serves, and scaled by what the adapter offers of our metrics', () => {
    expect(the('sidecar', 'Deployment').spec).toMatchObject({
      strategy: { rollingUpdate: { maxUnavailable: 0 } },
      selector: { matchLabels: podOf('sidecar').labels },
    })
    const scaler = the('sidecar', 'HorizontalPodAutoscaler').spec
    expect(scaler.scaleTargetRef).toEqual({ apiVersion: 'apps/v1', kind: 'Deployment', name: 'appsmith' })
    const [adapter] = documentsIn(join(projectFolder, 'config/kubernetes/prometheus-adapter.yaml')) as Document[]
    const [rule] = adapter?.rules.custom ?? []
    expect(scaler.metrics[0].pods.metric.name).toBe(rule.name.as)
    const [family] = /^\w+/.exec(rule.seriesQuery) ?? []
    expect(readFileSync(join(projectFolder, 'docs/metrics.md'), 'utf8')).toContain(`\`${family}\``)
    expect(scaler.minReplicas).toBeGreaterThan(the('sidecar', 'PodDisruptionBudget').spec.maxUnavailable)
  })
})

describe('the single container in Kubernetes', () => {
  const { gatehouse } = podOf('single')

  it('is one pod with one volume, and its programs are the matter of Gatehouse', () => {
    const { replicas, volumeClaimTemplates } = the('single', 'StatefulSet').spec
    expect(replicas).toBe(1)
    expect(volumeClaimTemplates).toHaveLength(1)
    expect(gatehouse.volumeMounts).toContainEqual({ name: 'stacks', mountPath: '/appsmith-stacks' })
    expect(gatehouse.readinessProbe?.exec?.command).toEqual(['gatehouse', 'healthcheck'])
    for (const probe of [gatehouse.startupProbe, gatehouse.livenessProbe])
      expect(probe?.exec?.command).toEqual(['gatehouse', 'healthcheck', '--live'])
  })
})
