/** Programs that answer requests on a Unix socket, named as an origin: `unix:/run/app.sock`. */

const scheme = 'unix:'

/** `path`: absolute. */
export function socketOrigin(path: string): string {
  return scheme + path
}

/** The path of the socket; undefined for `http://` and `https://`. */
export function socketPathOf(origin: string): string | undefined {
  return origin.startsWith(scheme) ? origin.slice(scheme.length) : undefined
}
