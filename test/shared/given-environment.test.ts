import { describe, expect, it } from 'vitest'
import { readEnvironment, reserved } from '../../src/shared/system/given-environment.ts'

const read = (...entries: (string | number[])[]) =>
  readEnvironment(
    Buffer.concat(entries.map((entry) => Buffer.concat([Buffer.from(entry as string), Buffer.from([0])]))),
  )
const bytes = (text: string) => [...Buffer.from(text, 'latin1')]

describe('the environment that was given', () => {
  it('is read as getenv(3) reads it: the first of a name counts, and what is no assignment does not', () => {
    const { variables, notUtf8 } = read(
      'A=1',
      'A=2',
      'B=',
      'C==x=',
      'no assignment',
      '=x',
      '__proto__=p',
      'Ü=\u{1F600}',
    )
    expect({ ...variables }).toEqual(
      Object.fromEntries(Object.entries({ A: '1', B: '', C: '=x=', Ü: '\u{1F600}' }).concat([['__proto__', 'p']])),
    )
    expect(notUtf8).toEqual([])
    expect(readEnvironment(Buffer.alloc(0))).toMatchObject({ notUtf8: [], exposed: [] })
  })

  it('names what is not UTF-8 and keeps nothing of its value; the rest is there', () => {
    const { variables, notUtf8 } = read(
      'A=1',
      bytes('SECRET=s\xff'),
      bytes('NA\xfeME=x'),
      bytes('CUT=\xe2\x82'),
      'Z=\ufffd',
    )
    expect({ ...variables }).toEqual({ A: '1', Z: '\ufffd' })
    expect(notUtf8).toEqual(['SECRET', 'NA\\xfeME', 'CUT'])
  })

  it('undoes what an earlier image of ours did to the names', () => {
    const { variables, notUtf8, exposed } = read(
      'PATH=/bin',
      `${reserved.program}NODE_OPTIONS=--x`,
      `${reserved.notUtf8}SECRET=`,
    )
    expect({ ...variables }).toEqual({ PATH: '/bin', NODE_OPTIONS: '--x' })
    expect(notUtf8).toEqual(['SECRET'])
    expect(exposed).toEqual(['PATH'])
  })
})
