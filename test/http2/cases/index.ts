import type { Case } from '../../support/h2/contract.js'
import { abuse } from './abuse.js'
import { brokenOff } from './broken-off.js'
import { closeField } from './close-field.js'
import { conformance } from './conformance.js'
import { drain } from './drain.js'
import { drainSessions } from './drain-sessions.js'
import { drainSpecial } from './drain-special.js'
import { endings } from './ends.js'
import { leaving } from './leaving.js'
import { list } from './list.js'
import { policy } from './policy.js'
import { refused } from './refused.js'
import { stalled } from './stalled.js'
import { tls } from './tls.js'

export const cases: Case[] = [
  ...conformance,
  ...policy,
  ...closeField,
  ...refused,
  ...leaving,
  ...drain,
  ...drainSessions,
  ...drainSpecial,
  ...abuse,
  ...brokenOff,
  ...stalled,
  ...list,
  ...endings,
  ...tls,
]
