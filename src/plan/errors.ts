/** How errors of our own look to clients; the cause of one is told to our log alone. */
export interface ErrorsPlan {
  /** `auto`: what the client asks for by name of JSON, HTML and plain text, and plain text where it names none of them. */
  readonly format: 'auto' | 'json' | 'plain'
}
