/** Where state and control socket are if a file does not name them: by user, variables and writable folders. */
import { describe, expect, it } from 'vitest'
import { defaultPlaces } from '../../src/plan/resolve/default-places.ts'

/** User 1000, who may write below these folders and owns them, except those that everyone may write to. */
function user(...writable: readonly string[]) {
  return {
    uid: 1000,
    canCreateIn: (folder: string) => writable.some((one) => folder === one || folder.startsWith(`${one}/`)),
    owns: (folder: string) => folder !== '/tmp' && writable.includes(folder),
  }
}

const image = { storage: '/data/gatehouse', socket: '/run/gatehouse.sock' }
const own = '/tmp/gatehouse-1000'
const temporary = { storage: `${own}/storage`, socket: `${own}/gatehouse.sock` }
const xdg = { XDG_STATE_HOME: '/state', XDG_RUNTIME_DIR: '/runtime' }

describe('storage and control socket', () => {
  it.each([
    ['of root are those of images', {}, undefined, image],
    ['of root are so whatever the session says', { ...xdg, HOME: '/root' }, undefined, image],
    [
      'of a user who may write to the places of images are there',
      { HOME: '/data' },
      user('/data/gatehouse', '/run'),
      image,
    ],
    [
      'follow the XDG variables, before the places of images',
      xdg,
      user('/state', '/runtime', '/data', '/run'),
      { storage: '/state/gatehouse', socket: '/runtime/gatehouse.sock' },
    ],
    [
      'ignore XDG variables of somebody else, or that are relative',
      { XDG_STATE_HOME: '/root', XDG_RUNTIME_DIR: 'x' },
      user('/tmp'),
      temporary,
    ],
    [
      'of a person are below the home, and where logind makes a folder',
      { HOME: '/home/me' },
      user('/home/me', '/run/user/1000', '/tmp'),
      { storage: '/home/me/.local/state/gatehouse', socket: '/run/user/1000/gatehouse.sock' },
    ],
    ['of a number without a home are in a folder of its own', {}, user('/tmp'), temporary],
    ['are not in a home that is everybody’s', { HOME: '/tmp' }, user('/tmp'), temporary],
    ['of a user who may write nowhere are there as well, to be reported', { HOME: '/' }, user(), temporary],
    [
      'follow TMPDIR',
      { TMPDIR: '/scratch' },
      user('/scratch'),
      { storage: '/scratch/gatehouse-1000/storage', socket: '/scratch/gatehouse-1000/gatehouse.sock' },
    ],
  ])('%s', (_, environment, who, expected) => {
    expect(defaultPlaces(environment, who)).toMatchObject(expected)
  })

  it('are looked for where the same user would have put them with other variables, too', () => {
    const { sockets } = defaultPlaces({ TMPDIR: '/scratch', XDG_RUNTIME_DIR: '/runtime' }, user('/scratch'))
    expect(sockets).toEqual([
      '/scratch/gatehouse-1000/gatehouse.sock',
      '/runtime/gatehouse.sock',
      '/run/gatehouse.sock',
      '/run/user/1000/gatehouse.sock',
      '/tmp/gatehouse-1000/gatehouse.sock',
    ])
  })
})
