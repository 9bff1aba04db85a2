/** Scalars in supervisord's notation; undefined for what it would refuse. */
export function readBoolean(text: string): boolean | undefined {
  if (/^(yes|true|on|1)$/i.test(text)) return true
  return /^(no|false|off|0)$/i.test(text) ? false : undefined
}

export function readInteger(text: string): number | undefined {
  return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined
}

/** In bytes. Their `MB` is 1024 × 1024. */
export function readBytes(text: string): number | undefined {
  const [, digits, unit = ''] = /^\s*(\d+)\s*(kb|mb|gb)?\s*$/i.exec(text) ?? []
  if (digits === undefined) return undefined
  return Number(digits) * 1024 ** ['', 'kb', 'mb', 'gb'].indexOf(unit.toLowerCase())
}

/** As our file writes it. */
export function bytesWritten(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'] as const
  const unit = units.findLastIndex((_, power) => bytes > 0 && bytes % 1024 ** power === 0)
  return unit === -1 ? `${bytes}B` : `${bytes / 1024 ** unit}${units[unit]}`
}
