/** How a route changes the path before it is forwarded or opened. The query stays as it came. */
export interface RewritePlan {
  /** Whole segments taken from the front, without a slash at the end; other paths stay as they are. */
  readonly stripPrefix?: string
  /** The path in place of the one that is left then, which `{path}` stands for. */
  readonly path?: string
}
