/**
 * A shell that outlives us: however Gatehouse ends (SIGKILL, an abort, out of memory), its processes are stopped within
 * seconds, not only at the next start. See docs/adr/0016-guardian.md.
 */

import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { type GuardianProcess, spawnGuardian } from '../spawn/spawn.ts'
import { runVariable } from './recognize.ts'
import type { GroupRecord } from './record.ts'

/**
 * Reads lines with the running groups, each of which replaces the one before, until the other end of the pipe is
 * closed. Then stops all of them at once, each with its stop signal, its grace period and SIGKILL, if it is still the
 * recorded one: the start time of its leader matches or, if the leader is gone, a member has the id of our run in its
 * environment. An empty line: Gatehouse ended in order. $1: the id of the run; $2: the first line.
 */
const script = `
trap '' HUP INT QUIT TERM
run=$1
groups=$2
while IFS= read -r line; do groups=$line; done

recorded() { # GROUP STARTED
  stat=
  { IFS= read -r stat <"/proc/$1/stat"; } 2>/dev/null
  if [ -n "$stat" ]; then
    set -- "$1" "$2" \${stat##*) }
    [ "\${22}" = "$2" ]
    return
  fi
  for place in /proc/[0-9]*; do
    stat=
    { IFS= read -r stat <"$place/stat"; } 2>/dev/null
    set -- "$1" "$2" \${stat##*) }
    [ "$5" = "$1" ] && grep -qz "^${runVariable}=$run\\$" "$place/environ" 2>/dev/null && return
  done
  return 1
}

signal() { kill -s "$2" -- "-$1" 2>/dev/null; }

lives() { # GROUP; its dead do not count, which an init that is none never reaps
  signal "$1" 0 || return
  for place in /proc/[0-9]*; do
    stat=
    { IFS= read -r stat <"$place/stat"; } 2>/dev/null
    set -- "$1" \${stat##*) }
    [ "$4" = "$1" ] && [ "$2" != Z ] && return
  done
  return 1
}

pause() { sleep 0.2 2>/dev/null || sleep 1; }

end() { # GROUP STARTED SIGNAL GRACE, in fifths of a second
  recorded "$1" "$2" && signal "$1" "$3" || return
  left=$4
  while [ "$left" -gt 0 ]; do
    lives "$1" || return
    left=$((left - 1))
    pause
  done
  for try in 1 2 3 4 5 6 7 8 9 10; do
    lives "$1" || return
    signal "$1" KILL
    pause
  done
}

for one in $groups; do
  IFS=:
  set -- $one
  unset IFS
  end "$@" &
done
wait
`

export class Guardian {
  readonly #run: string
  readonly #log: Log
  #process: GuardianProcess | undefined
  #line = ''
  #over = false

  /** Does not start it yet. `run`: the id of the run, as in the environment of our programs. */
  constructor(run: string, log: Log) {
    this.#run = run
    this.#log = log
  }

  /** From now on these groups, and no others, are stopped if we die unexpectedly. */
  watch(groups: readonly GroupRecord[]): void {
    this.#line = groups.map(wordOf).join(' ')
    if (this.#process) this.#process.write(`${this.#line}\n`)
    else this.#start()
  }

  /** We end in order: nothing is left to stop. */
  close(): void {
    this.#over = true
    this.#process?.end('\n')
  }

  #start(): void {
    if (this.#over || this.#process) return
    this.#process = spawnGuardian(script, [this.#run, this.#line], {
      failed: (error) => {
        this.#over = true
        this.#log.warn(
          `cannot start the guardian (${messageOf(error)}); if Gatehouse is killed, its processes keep running until its next start`,
        )
      },
      ended: () => {
        this.#process = undefined
        // It was killed. Restarted after a pause, so that this cannot become a tight loop.
        if (!this.#over) setTimeout(() => this.#start(), 1_000).unref()
      },
    })
  }
}

function wordOf({ pid, started, signal, grace }: GroupRecord): string {
  return [pid, started, signal.replace(/^SIG/, ''), Math.ceil(grace / 200)].join(':')
}
