import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { kindOfHeader, neverForwarded, trustedHeaders } from '../../src/plan/patterns/trusted-headers.ts'

const names = trustedHeaders.flatMap((group) => group.names)

describe('the list of headers that are believed', () => {
  it('is the one of docs/headers.md', () => {
    const page = readFileSync(new URL('../../docs/headers.md', import.meta.url), 'utf8')
    const rows = trustedHeaders.map((group) => `| ${group.about} | ${group.names.join(', ')} |`)
    expect(page).toContain(['| About | Headers |', '| --- | --- |', ...rows, ''].join('\n'))
    for (const name of neverForwarded) expect(page).toContain(`\`${name}\``)
  })

  it('names each once, and none that is written otherwise in a request', () => {
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
    expect(names.filter((name) => !/^[A-Za-z0-9-]+\*?$/.test(name))).toEqual([])
  })

  it.each([
    ['x-forwarded-for', 'ours'],
    ['x-forwarded-anything', 'trusted'],
    ['x-forwarded', 'trusted'],
    ['x-forwardedx', 'free'],
    ['proxy', 'never'],
    ['proxy-x', 'free'],
    ['x-middleware-subrequest', 'never'],
    ['x-original-uri', 'trusted'],
    ['my-x-original-uri', 'free'],
    ['authorization', 'free'],
    ['cf-ray', 'free'],
    ['x-requested-with', 'free'],
    ['x-http-method-override', 'free'],
    ['x-amzn-trace-id', 'free'],
    ['traceparent', 'free'],
    ['x-client-version', 'free'],
    ['via', 'free'],
  ])('holds %s for %s', (name, kind) => {
    expect(kindOfHeader(name)).toBe(kind)
  })
})
