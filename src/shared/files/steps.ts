/** File system code that is written once, and runs synchronously or asynchronously. */
import * as fs from 'node:fs'
import { promisify } from 'node:util'

interface Calls {
  open(path: string, flags: number): number
  close(fd: number): void
  fstat(fd: number): fs.Stats
  lstat(path: string): fs.Stats
  readlink(path: string): string
  mkdir(path: string, mode: number): void
  access(path: string, mode: number): void
  chmod(path: string, mode: number): void
}

type Call = { readonly [Name in keyof Calls]: readonly [Name, ...Parameters<Calls[Name]>] }[keyof Calls]

/** Yields calls, and receives their results or errors. */
export type Steps<T> = Generator<Call, T, unknown>

/** One call as a step: `yield* step('lstat', path)`. */
export function* step<Name extends keyof Calls>(
  name: Name,
  ...words: Parameters<Calls[Name]>
): Generator<Call, ReturnType<Calls[Name]>, unknown> {
  return (yield [name, ...words] as unknown as Call) as ReturnType<Calls[Name]>
}

const syncCalls: Calls = {
  open: (path, flags) => fs.openSync(path, flags),
  close: fs.closeSync,
  fstat: (fd) => fs.fstatSync(fd),
  lstat: (path) => fs.lstatSync(path),
  readlink: (path) => fs.readlinkSync(path),
  mkdir: (path, mode) => void fs.mkdirSync(path, mode),
  access: fs.accessSync,
  chmod: fs.chmodSync,
}

const asyncCalls: { readonly [Name in keyof Calls]: (...words: Parameters<Calls[Name]>) => Promise<unknown> } = {
  open: promisify(fs.open) as (path: string, flags: number) => Promise<number>,
  close: promisify(fs.close),
  fstat: promisify(fs.fstat) as (fd: number) => Promise<fs.Stats>,
  lstat: promisify(fs.lstat) as (path: string) => Promise<fs.Stats>,
  readlink: promisify(fs.readlink) as (path: string) => Promise<string>,
  mkdir: promisify(fs.mkdir) as (path: string, mode: number) => Promise<void>,
  access: promisify(fs.access) as (path: string, mode: number) => Promise<void>,
  chmod: promisify(fs.chmod) as (path: string, mode: number) => Promise<void>,
}

export function runSync<T>(steps: Steps<T>): T {
  let next = steps.next()
  while (!next.done) {
    const [name, ...words] = next.value
    let result: unknown
    try {
      result = (syncCalls[name] as (...words: readonly unknown[]) => unknown)(...words)
    } catch (error) {
      next = steps.throw(error)
      continue
    }
    next = steps.next(result)
  }
  return next.value
}

export async function runAsync<T>(steps: Steps<T>): Promise<T> {
  let next = steps.next()
  while (!next.done) {
    const [name, ...words] = next.value
    let result: unknown
    try {
      result = await (asyncCalls[name] as (...words: readonly unknown[]) => Promise<unknown>)(...words)
    } catch (error) {
      next = steps.throw(error)
      continue
    }
    next = steps.next(result)
  }
  return next.value
}
