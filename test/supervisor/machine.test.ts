import { describe, expect, it } from 'vitest'
import { type Event, type State, table, transition } from '../../src/supervisor/process/machine.ts'

const states = Object.keys(table) as State[]
const events = Object.keys(table.waiting) as Event[]
const withProcess: readonly State[] = ['starting', 'running', 'parked', 'stopping']

function effectsOf(state: State, event: Event): readonly string[] {
  return transition(state, event).effects
}

describe('the table of states', () => {
  it('answers every event in every state, and changes nothing where it cannot come', () => {
    expect(states).toHaveLength(9)
    for (const state of states) {
      expect(Object.keys(table[state]).sort()).toEqual([...events].sort())
      for (const event of events) {
        const next = transition(state, event)
        expect(states).toContain(next.state)
        if (next.impossible !== undefined) expect(next).toEqual({ state, effects: [], impossible: next.impossible })
      }
    }
  })

  it('never forgets a process: one that has a process is left only through stopping', () => {
    for (const event of events) {
      expect(withProcess).toContain(transition('starting', event).state)
      expect(withProcess).toContain(transition('running', event).state)
      expect(withProcess).toContain(transition('parked', event).state)
    }
  })

  it('spawns only while waiting, so that there are never two processes', () => {
    for (const state of states)
      for (const event of events)
        if (effectsOf(state, event).includes('spawn')) expect([state, event]).toEqual(['waiting', 'dependenciesMet'])
  })

  it('loses readiness whenever a running process ends or is asked to', () => {
    for (const event of events) {
      if (transition('running', event).state !== 'running') expect(effectsOf('running', event)).toContain('loseReady')
      // Parked means not ready, so there is nothing more to lose.
      if (effectsOf('parked', event).includes('becomeReady')) expect(transition('parked', event).state).toBe('running')
    }
  })

  it('signals the group on every way into stopping: also when the leader ended by itself', () => {
    for (const state of ['starting', 'running', 'parked'] as const)
      for (const event of events)
        if (transition(state, event).state === 'stopping')
          expect(effectsOf(state, event)).toEqual(expect.arrayContaining(['endProbes', 'signalGroup']))
  })

  it('spares what does not answer while something that it depends on is not ready, and asks anew when that is', () => {
    expect(transition('running', 'unresponsive').state).toBe('stopping')
    expect(transition('running', 'blocked')).toEqual({ state: 'parked', effects: ['loseReady', 'awaitDependencies'] })
    expect(transition('parked', 'unresponsive')).toEqual({ state: 'parked', effects: [] })
    expect(transition('parked', 'dependenciesMet')).toEqual({ state: 'running', effects: ['resetFailures'] })
  })

  it('cancels the restart when it is stopped in backoff', () => {
    expect(transition('backoff', 'stop')).toEqual({ state: 'stopped', effects: ['cancelRestart'] })
  })

  it('does not sit a pause out when somebody asks for the start', () => {
    expect(transition('backoff', 'start')).toEqual({
      state: 'waiting',
      effects: ['cancelRestart', 'awaitDependencies'],
    })
  })

  it('waits for dependencies again before a restart', () => {
    expect(transition('backoff', 'backoffOver')).toEqual({ state: 'waiting', effects: ['awaitDependencies'] })
  })

  it.each([
    ['stopped', 'ready', 'it has no process'],
    ['waiting', 'backoffOver', 'no restart is scheduled'],
    ['running', 'retry', 'its group has not gone'],
    ['backoff', 'completed', 'nothing has ended'],
  ] as const)('in %s, %s is impossible: %s', (state, event, impossible) => {
    expect(transition(state, event)).toStrictEqual({ state, effects: [], impossible })
  })

  it.each([
    ['stopped', 'stop'],
    ['waiting', 'start'],
    ['parked', 'unready'],
    ['stopping', 'leaderExited'],
  ] as const)('in %s, %s is possible and changes nothing', (state, event) => {
    expect(transition(state, event)).toStrictEqual({ state, effects: [] })
  })
})

describe('the life of', () => {
  type Step = readonly [event: Event, state: State, ...effects: readonly string[]]
  const started: readonly Step[] = [
    ['start', 'waiting', 'loseReady', 'awaitDependencies'],
    ['dependenciesMet', 'waiting', 'spawn'],
    ['spawned', 'starting', 'beginProbes'],
  ]

  it.each<[string, ...Step[]]>([
    [
      'a service that crashes and is ready again',
      ...started,
      ['ready', 'running', 'becomeReady', 'keepProbing'],
      ['unready', 'running', 'loseReady'],
      ['ready', 'running', 'becomeReady'],
      ['leaderExited', 'stopping', 'loseReady', 'endProbes', 'signalGroup'],
      ['retry', 'backoff', 'scheduleRestart'],
      ['backoffOver', 'waiting', 'awaitDependencies'],
    ],
    [
      'a service that cannot be spawned at first',
      ['start', 'waiting', 'loseReady', 'awaitDependencies'],
      ['dependenciesMet', 'waiting', 'spawn'],
      ['retry', 'backoff', 'scheduleRestart'],
      ['backoffOver', 'waiting', 'awaitDependencies'],
      ['dependenciesMet', 'waiting', 'spawn'],
      ['gaveUp', 'fatal'],
    ],
    [
      'a service that ignores the stop signal',
      ...started,
      ['up', 'running'],
      ['stop', 'stopping', 'loseReady', 'endProbes', 'signalGroup'],
      ['stop', 'stopping', 'shortenGrace'],
      ['graceOver', 'stopping', 'killGroup'],
      ['leaderExited', 'stopping'],
      ['released', 'stopped'],
    ],
    [
      'a service that recovers before what it depends on does',
      ...started,
      ['ready', 'running', 'becomeReady', 'keepProbing'],
      ['blocked', 'parked', 'loseReady', 'awaitDependencies'],
      ['ready', 'running', 'becomeReady', 'resetFailures'],
    ],
    [
      'a task',
      ...started,
      ['up', 'running'],
      ['leaderExited', 'stopping', 'loseReady', 'endProbes', 'signalGroup'],
      ['completed', 'exited', 'becomeReady'],
      ['start', 'waiting', 'loseReady', 'awaitDependencies'],
    ],
  ])('%s', (_, ...steps) => {
    let state: State = 'stopped'
    for (const [event, next, ...effects] of steps) {
      expect(transition(state, event), `${event} in ${state}`).toEqual({ state: next, effects })
      state = next
    }
  })
})
