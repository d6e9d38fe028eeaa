import { tierA, tierB, tierC } from './checks/index.js'
import type { Rule } from './engine/check.js'

/** All checks in words, in the order of the tables. */
export const rules: readonly Rule[] = [...tierA, ...tierB, ...tierC].map(
  ({ id, tier, level, section, subject, title, sends, expects, why }) => ({
    id,
    tier,
    level,
    section,
    subject,
    title,
    sends,
    expects,
    why,
  }),
)
