import { tierA, tierB, tierC } from '../src/checks/index.js'

// A mutant breaks one rule, and has to fail the check of that rule alone. `npm run test:probe` plays every check against every mutant. `npm test` plays
// its own check and the cheap ones: those that flood, upload or need a process of their own are left to the long form, where they are another rule's.

export const whole = process.env.HALFCLOSE_PROBE === 'whole'
const checks = [...tierA, ...tierB, ...tierC]

/** The ids of all checks of these tiers. */
export const idsOf = (...tiers: string[]): string[] => checks.filter(({ tier }) => tiers.includes(tier)).map(({ id }) => id)

/** What else a mutant fails, of necessity: README.md names it. */
const ALSO: Record<string, string[]> = { 'a/tls-cut-shows': ['a/stalled-reader-let-go'] }

/** The ids of the checks that a mutant has to fail, in the order of the checks. */
export const failedBy = (id: string): string[] => [...(ALSO[id] ?? []), id]

/** The ids of the checks that are played against the mutant which breaks the rule `id`; undefined: all. */
export function metBy(id: string): string[] | undefined {
  if (whole) return undefined
  const cheap = checks.filter(({ tier, phase }) => tier !== 'c' && phase !== 'heavy' && phase !== 'stalling')
  return id.startsWith('c/') ? [id] : [...new Set([...failedBy(id), ...cheap.map((each) => each.id)])]
}
