/** Headers as name and value in turn, so that repeated ones (Set-Cookie) keep their order and number. */
export type FlatHeaders = readonly string[]

export function withoutLength(headers: FlatHeaders): string[] {
  return headers.filter((_, i) => headers[i - (i % 2)]?.toLowerCase() !== 'content-length')
}
