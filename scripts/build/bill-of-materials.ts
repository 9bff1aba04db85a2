/** What is in the binary, for those who look for licenses and vulnerabilities: CycloneDX, as npm writes it. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Component {
  readonly 'bom-ref': string
  readonly name: string
  readonly version: string
  readonly [more: string]: unknown
}

interface Bill {
  serialNumber?: string
  metadata: { timestamp?: string; component: Component }
  components: Component[]
  dependencies: { readonly ref: string; readonly dependsOn?: readonly string[] }[]
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
}

/**
 * The JSON of the bill of materials of `project`: the packages that are not for development only, and Node itself. The
 * same for each build of one package-lock.json. Throws if npm cannot write it.
 */
export function billOfMaterials(project: string, version: string): string {
  // Set by npm for the scripts that it runs.
  const cli = process.env.npm_execpath
  const [program, ...first] = cli === undefined ? ['npm'] : [process.execPath, cli]
  const words = [...first, 'sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only']
  const { stdout, stderr, status, error } = spawnSync(program as string, words, { cwd: project, encoding: 'utf8' })
  if (status !== 0) throw new Error(`npm cannot write the bill of materials: ${error?.message ?? stderr}`)
  const bill = JSON.parse(stdout) as Bill
  // Both differ from build to build, and npm takes the name of the folder for that of the project.
  delete bill.serialNumber
  delete bill.metadata.timestamp
  bill.metadata.component = { ...bill.metadata.component, name: 'gatehouse', version }
  // Not `--omit dev`: npm then leaves out what a package for development asks for as well, such as zod.
  const refs = shipped(bill, JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Manifest)
  bill.components = bill.components.filter((component) => refs.has(component['bom-ref']))
  const root = bill.metadata.component['bom-ref']
  bill.dependencies = bill.dependencies
    .filter(({ ref }) => ref === root || refs.has(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) }))
  const node = process.versions.node
  bill.components.push({
    'bom-ref': `node@${node}`,
    type: 'platform',
    name: 'node',
    version: node,
    purl: `pkg:generic/node@${node}`,
    licenses: [{ license: { id: 'MIT' } }],
  })
  return `${JSON.stringify(bill, null, 2)}\n`
}

/** The packages that the project depends on, and those that these depend on, by `bom-ref`. */
function shipped({ components, dependencies }: Bill, manifest: Manifest): ReadonlySet<string> {
  const direct = components.filter(({ name, version }) => manifest.dependencies[name] === version)
  const needs = new Map(dependencies.map(({ ref, dependsOn = [] }) => [ref, dependsOn]))
  const refs = new Set(direct.map((component) => component['bom-ref']))
  // A Set's iterator also visits what is added on the way.
  for (const ref of refs) for (const need of needs.get(ref) ?? []) refs.add(need)
  return refs
}
