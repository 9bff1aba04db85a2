/** An amount of memory or data in bytes. */
export type Bytes = number

// Decimal and binary prefixes as in SI and IEC.
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

/** Formats a size for people, with three significant digits: `640 B`, `12.4 MB`, `1.5 GB`. */
export function formatBytes(bytes: Bytes): string {
  const units = ['GB', 'MB', 'KB'] as const
  const unit = units.find((name) => Number((bytes / unitInBytes[name]).toPrecision(3)) >= 1)
  if (!unit) return `${Math.round(bytes)} B`
  return `${Number((bytes / unitInBytes[unit]).toPrecision(3))} ${unit}`
}
