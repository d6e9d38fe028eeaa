import type { Tier } from '../engine/check.js'
import type { Score } from '../engine/result.js'
import type { Outcome } from '../engine/verdict.js'

export const TIERS: Record<Tier, string> = {
  a: 'Tier A: what can be seen from outside',
  b: 'Tier B: with a path that takes its time',
  c: 'Tier C: the process is stopped',
}

/** A sign for each outcome. Its word stands beside it. */
export const SIGNS: Record<Outcome, string> = { pass: '✓', fail: '✗', warn: '!', yes: '+', no: '−', 'not applicable': '·' }

export const scoreInWords = ({ tier, kept, applicable }: Score): string => `${tier.toUpperCase()} ${kept}/${applicable}`
