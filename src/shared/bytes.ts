/** An amount of memory or data in bytes. */
export type Bytes = number

// As Caddy, Docker and systemd users write them: decimal and binary prefixes mean what SI and IEC say.
const unitInBytes = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const

/** Reads `512B`, `16KB`, `150MB`, `1.5GiB`. Returns undefined for anything else, a bare number included. */
export function parseBytes(text: string): Bytes | undefined {
  const match = /^(\d+(?:\.\d+)?)(B|KB|MB|GB|KiB|MiB|GiB)$/.exec(text)
  if (!match) return undefined
  return Math.round(Number(match[1]) * unitInBytes[match[2] as keyof typeof unitInBytes])
}

/** Writes a size the way people say it, with three digits that count: `640 B`, `12.4 MB`, `1.5 GB`. */
export function formatBytes(bytes: Bytes): string {
  const units = ['GB', 'MB', 'KB'] as const
  const unit = units.find((name) => Number((bytes / unitInBytes[name]).toPrecision(3)) >= 1)
  if (!unit) return `${Math.round(bytes)} B`
  return `${Number((bytes / unitInBytes[unit]).toPrecision(3))} ${unit}`
}
