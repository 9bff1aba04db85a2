import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'

/**
 * A number that no user, no group and no process of this machine has, and no other test gets while this one's file runs:
 * limits and permissions of a user hold for everything that has its number.
 */
export async function unusedId(): Promise<number> {
  const used = idsInUse()
  for (;;) {
    // Below 65,536, above which a container may have no ids, and above those that distributions give to people.
    const id = 20_000 + Math.floor(Math.random() * 40_000)
    if (!used.has(id) && (await reserve(id))) return id
  }
}

function idsInUse(): ReadonlySet<number> {
  const listed = ['/etc/passwd', '/etc/group'].flatMap((file) => readFileSync(file, 'utf8').match(/(?<=:)\d+/g) ?? [])
  const processes = (existsSync('/proc') ? readdirSync('/proc') : []).filter((name) => /^\d+$/.test(name))
  const running = processes.map((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid ?? 0)
  return new Set([...listed.map(Number), ...running])
}

/** By the name of an abstract socket (Linux alone), which the kernel frees when this process ends, however it ends. */
function reserve(id: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true)
  return new Promise((resolve) => {
    const server = createServer().unref()
    server.once('error', () => resolve(false))
    server.listen(`\0gatehouse-test-id-${id}`, () => resolve(true))
  })
}
