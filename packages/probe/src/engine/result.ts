import type { Rule, Tier } from './check.js'
import type { Recorded } from './scene.js'
import type { Facts } from './server-facts.js'
import type { Outcome } from './verdict.js'

/** One trial of a check. */
export interface Trial {
  /** What was seen, in a sentence. */
  detail: string
  /** What was sent and seen on each of its connections. */
  connections: Recorded[]
}

/** The result of a check. */
export interface Result extends Rule {
  /** The verdict. */
  outcome: Outcome
  /** What was seen, or why it is not applicable, in a sentence. */
  detail: string
  /** How long it took. */
  ms: number
  /** Its trials. */
  trials: Trial[]
}

/** Rules that were kept, of those that apply; behaviour does not count. */
export interface Score {
  /** The tier. */
  tier: Tier
  /** MUST and SHOULD that were kept. */
  kept: number
  /** MUST and SHOULD that apply. */
  applicable: number
  /** How long its checks took together, in ms. Those of tiers a and b run side by side. */
  ms: number
}

/** Everything that a run of the probe found. */
export interface Report {
  /** Version of the probe. */
  probe: string
  /** What was probed. */
  url: string
  /** When it began, in ISO 8601. */
  at: string
  /** How long it took, in ms. */
  ms: number
  /** What was found out before the checks. */
  facts: Facts
  /** One for each tier that was run. */
  scores: Score[]
  /** One for each check. */
  results: Result[]
}

export function scoresOf(results: readonly Result[], took: ReadonlyMap<Tier, number>): Score[] {
  const tiers = [...new Set(results.map(({ tier }) => tier))]
  return tiers.map((tier) => {
    const rules = results.filter((one) => one.tier === tier && one.level !== 'behaviour' && one.outcome !== 'not applicable')
    const kept = rules.filter(({ outcome }) => outcome === 'pass').length
    return { tier, kept, applicable: rules.length, ms: Math.round(took.get(tier) ?? 0) }
  })
}
