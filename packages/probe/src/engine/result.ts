import type { Rule, Tier } from './check.js'
import type { Facts } from './facts.js'
import type { Recorded } from './scene.js'
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
}

/** Everything that a run of the probe found. */
export interface Report {
  /** Version of the probe. */
  probe: string
  /** What was probed. */
  url: string
  /** When, in ISO 8601. */
  at: string
  /** What was found out before the checks. */
  facts: Facts
  /** One for each tier that was run. */
  scores: Score[]
  /** One for each check. */
  results: Result[]
}

export function scoresOf(results: readonly Result[]): Score[] {
  const tiers = [...new Set(results.map(({ tier }) => tier))]
  return tiers.map((tier) => {
    const rules = results.filter((one) => one.tier === tier && one.level !== 'behaviour' && one.outcome !== 'not applicable')
    return { tier, kept: rules.filter(({ outcome }) => outcome === 'pass').length, applicable: rules.length }
  })
}
