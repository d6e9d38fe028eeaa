import { mergeReports } from '../src/drain/report.js'
import { formatReport } from '../src/index.js'
import type { Report } from '../src/types.js'

const REPORT: Report = {
  clean: false,
  reason: 'SIGTERM',
  ms: 5_940,
  phases: { leaving: 0, draining: 5_940 },
  requests: { finished: 3, rescued: 7, cut: 1 },
  connections: { closed: 12, byReason: { draining: 11, deadline: 1 } },
  promisesBroken: { deadline: 1 },
  heldBy: [
    { remote: '10.0.0.7:51234', state: 'busy', method: 'GET', path: '/report', ms: 9_100 },
    { remote: '10.0.0.8:40000', state: 'idle', method: undefined, path: undefined, ms: 800 },
  ],
  heldByMore: 3,
}

test('formatReport says in words what the drain did, and names what held it up', () => {
  expect(formatReport(REPORT)).toBe(
    [
      'halfclose: the drain was not clean, it took 5.9 s (SIGTERM): 3 requests finished, 7 rescued, 1 cut; 12 connections closed; 1 promise broken; 5 held it to the deadline',
      '  busy GET /report for 9.1 s, 10.0.0.7:51234',
      '  idle for 0.8 s, 10.0.0.8:40000',
      '  and 3 more',
    ].join('\n'),
  )
})

test('a drain that went well has drained; one that something held to the deadline has not', () => {
  const well = {
    ...REPORT,
    clean: true,
    requests: { finished: 1, rescued: 0, cut: 0 },
    connections: { closed: 1, byReason: { draining: 1 } },
    promisesBroken: {},
    heldBy: [],
    heldByMore: 0,
  }
  expect(formatReport(well)).toBe(
    'halfclose: drained in 5.9 s (SIGTERM): 1 request finished, 0 rescued, 0 cut; 1 connection closed',
  )
  const [, held] = REPORT.heldBy
  if (held === undefined) throw new Error('nothing held')
  expect(formatReport({ ...well, heldBy: [held] })).toMatch(
    /^halfclose: the drain was held to its deadline, 5\.9 s \(SIGTERM\): /,
  )
})

test('two drains are told as one: sums, clean only where both are, at most twenty named', () => {
  const [held] = REPORT.heldBy
  if (held === undefined) throw new Error('nothing held')
  const many = { ...REPORT, heldBy: Array.from({ length: 19 }, () => held), heldByMore: 0 }
  const merged = mergeReports({ ...REPORT, clean: true }, many)
  expect(merged).toMatchObject({
    clean: false,
    requests: { finished: 6, rescued: 14, cut: 2 },
    promisesBroken: { deadline: 2 },
    connections: { closed: 24, byReason: { draining: 22, deadline: 2 } },
    heldByMore: 4,
  })
  expect(merged.heldBy).toHaveLength(20)
})
