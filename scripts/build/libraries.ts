/** The shared libraries that the binary needs. */
import { spawnSync } from 'node:child_process'

/** Of glibc and of GCC's runtime: libc6, libgcc-s1, libstdc++6 and libatomic1 on Debian. */
const allowed = [
  /^linux-vdso\.so\./,
  /^ld-linux[\w-]*\.so\./,
  /^lib(c|m|dl|pthread|rt)\.so\./,
  /^lib(stdc\+\+|gcc_s|atomic)\.so\./,
]

/** File names of the shared libraries that a binary needs, from `ldd`. Throws if ldd fails. */
export function linkedLibraries(binary: string): string[] {
  const { status, stdout, stderr, error } = spawnSync('ldd', [binary], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`ldd could not read the binary: ${error?.message ?? stderr.trim()}`)
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s/)[0]?.split('/').at(-1) ?? '')
    .filter((name) => name !== '')
}

export function unexpectedLibraries(names: readonly string[]): string[] {
  return names.filter((name) => !allowed.some((pattern) => pattern.test(name)))
}
