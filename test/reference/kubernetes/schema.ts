/** What Kubernetes' own schemas say of a document: those of its OpenAPI description, as the package kubernetes-models has them. */

export interface Document {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // The rest is as its kind wants it; the schema has the last word, and a test reads what it needs.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly [key: string]: any
}

interface Complaint {
  readonly instancePath: string
  readonly keyword: string
  readonly params: unknown
}

interface Validate {
  (document: unknown): boolean
  errors?: readonly Complaint[] | null
}

/** All that is wrong with it, each with its place: values that no field may have, and fields that no schema knows. */
export async function mistakesIn(document: Document): Promise<string[]> {
  const validate = await schemaOf(document)
  const unread = new Set<string>()
  const valid = validate(reporting(document, '', unread))
  const wrong = valid ? [] : (validate.errors ?? []).map(reported)
  return [...wrong, ...[...unread].map((path) => `${path}: no such field`)]
}

/** `apps/v1` and `Deployment` → IoK8sApiAppsV1Deployment. */
async function schemaOf({ apiVersion, kind }: Document): Promise<Validate> {
  const [group = '', version = ''] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  const [name = ''] = group.split('.')
  const schema = `IoK8sApi${capitalized(name)}${capitalized(version)}${kind}`
  const { validate } = (await import(`kubernetes-models/_schemas/${schema}`)) as { validate: Validate }
  return validate
}

/**
 * The same value, which crosses off `unread` the fields that are asked for. A Kubernetes schema forbids no further fields, and
 * the API server drops those that it does not know; but a validator reads all that it knows.
 */
function reporting(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const fields = new Map(Object.entries(value).map(([key, field]) => [key, [`${path}/${key}`, field] as const]))
  if (!Array.isArray(value)) for (const [place] of fields.values()) unread.add(place)
  const seen = new Map<string, unknown>()
  return new Proxy(value, {
    get(target, key) {
      const [place, field] = (typeof key === 'string' && fields.get(key)) || []
      if (place === undefined || typeof key !== 'string') return Reflect.get(target, key)
      unread.delete(place)
      if (!seen.has(key)) seen.set(key, reporting(field, place, unread))
      return seen.get(key)
    },
  })
}

function reported({ instancePath, keyword, params }: Complaint): string {
  return `${instancePath}: ${keyword} ${JSON.stringify(params)}`
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
