/** Process groups of the kernel. A group's id is the pid of its leader, the process that we spawned. */
import { isOver, processTable } from './process-table.ts'

/** Signals all members; returns false if the group has none. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return kill(group, signal)
}

/**
 * Whether a process of the group still runs. Zombies do not count: kill(2) finds them until they are reaped, and
 * orphans stay zombies for ever in a container whose PID 1 does not reap.
 */
export function isGroupAlive(group: number): boolean {
  if (!kill(group, 0)) return false
  const members = processTable().filter((one) => one.group === group)
  // None seen: it went meanwhile, /proc hides other users' processes, or there is no /proc. The next look will tell.
  return members.length === 0 || members.some((one) => !isOver(one))
}

function kill(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch (error) {
    // EPERM: there are members, but all of them belong to another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
