import type { Case } from '../../support/h2/contract.js'
import { abuse } from './abuse.js'
import { conformance } from './conformance.js'
import { drain } from './drain.js'
import { drainSessions } from './drain-sessions.js'
import { drainSpecial } from './drain-special.js'
import { leaving } from './leaving.js'
import { policy } from './policy.js'
import { stalled } from './stalled.js'
import { tls } from './tls.js'

export const cases: Case[] = [
  ...conformance,
  ...policy,
  ...leaving,
  ...drain,
  ...drainSessions,
  ...drainSpecial,
  ...abuse,
  ...stalled,
  ...tls,
]
