import { expect, test } from '@jest/globals'
import { timerOf } from '../src/process/grace-periods.js'

test.each<[number, string]>([
  [500, 'fastify-cli'],
  [683, 'fastify-cli'],
  [1_599, 'PM2'],
  [1_650, 'PM2'],
  [10_004, 'Docker'],
  [30_900, 'Kubernetes'],
  [90_000, 'systemd'],
])('after %d ms: probably %s', (elapsed, whose) => {
  expect(timerOf(elapsed)).toMatch(new RegExp(`^a timer of the application\\? \\d+ ms is that of .*${whose}`))
})

test.each([0, 479, 701, 1_500, 2_000, 9_900, 15_000, 60_000, 200_000])('after %d ms: nobody who is known', (elapsed) => {
  expect(timerOf(elapsed)).toBe('a timer of the application?')
})
