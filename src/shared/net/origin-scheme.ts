/**
 * The schemes of origins: `http://` and `https://` for HTTP/1.1, `h2c://` and `h2://` for HTTP/2 without and with TLS.
 */

export function speaksHttp2(origin: string): boolean {
  return origin.startsWith('h2:') || origin.startsWith('h2c:')
}

export function usesTls(origin: string): boolean {
  return origin.startsWith('https:') || origin.startsWith('h2:')
}
