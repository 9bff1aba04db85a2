/** The words in braces that redirects and headers may contain; each is replaced by a value of the request. */
export const placeholders = ['host', 'uri', 'path', 'scheme', 'client', 'request_id'] as const

export type Placeholder = (typeof placeholders)[number]

/** Braces around anything but a word stand for themselves: JSON in a header (Report-To) is full of them. */
export const placeholderPattern = /\{(\w+)\}/g

export function isPlaceholder(name: string): name is Placeholder {
  return (placeholders as readonly string[]).includes(name)
}
