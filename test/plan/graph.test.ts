import { expect, test } from 'vitest'
import { findCycles, type GraphNode, startOrder, startWaves } from '../../src/plan/graph/graph.ts'

function graph(needs: Record<string, string[]>): GraphNode[] {
  return Object.entries(needs).map(([name, needs]) => ({ name, needs }))
}

const stack = graph({
  web: ['api', 'cache'],
  api: ['database', 'migrate'],
  migrate: ['database'],
  cache: [],
  database: [],
})

test('each stands behind all it needs, and else in the order of the file', () => {
  expect(startOrder(stack)).toEqual(['cache', 'database', 'migrate', 'api', 'web'])
  expect(startOrder(graph({ c: [], a: [], b: [] }))).toEqual(['c', 'a', 'b'])
})

test('a need outside the graph counts as met', () => {
  expect(startOrder(graph({ a: ['excluded'] }))).toEqual(['a'])
})

test('waves start together what waits for nothing later', () => {
  expect(startWaves(stack)).toEqual([['cache', 'database'], ['migrate'], ['api'], ['web']])
  expect(startWaves([])).toEqual([])
})

test('cycles are paths back to their beginning', () => {
  expect(findCycles(graph({ a: ['b'], b: ['c'], c: ['a'], d: ['a'], e: ['e'] }))).toEqual([
    ['a', 'b', 'c', 'a'],
    ['e', 'e'],
  ])
  expect(findCycles(stack)).toEqual([])
})

test('what is caught in a cycle, or behind one, has no place in the order', () => {
  expect(startOrder(graph({ a: ['b'], b: ['a'], c: ['a'], d: [] }))).toEqual(['d'])
})

test('a graph in which every node needs all before it is walked once, not once for each path', () => {
  const names = Array.from({ length: 200 }, (_, index) => `p${index}`)
  const nodes = names.map((name, index) => ({ name, needs: names.slice(0, index) }))
  expect(findCycles(nodes)).toEqual([])
  expect(startOrder(nodes.toReversed())).toEqual(names)
})
