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
})
