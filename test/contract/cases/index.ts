import type { Case } from '../../support/contract.js'
import { drainConnections } from './drain-connections.js'
import { drainPhases } from './drain-phases.js'
import { drainRequests } from './drain-requests.js'
import { gateClose } from './gate-close.js'
import { gateOrder } from './gate-order.js'
import { gateSpecial } from './gate-special.js'
import { halfClosed } from './half-closed.js'
import { idle } from './idle.js'
import { keepAlive } from './keep-alive.js'
import { limits } from './limits.js'
import { linger } from './linger.js'
import { lingerEverywhere } from './linger-everywhere.js'
import { options } from './options.js'
import { ownListeners } from './own-listeners.js'
import { persist } from './persist.js'
import { stats } from './stats.js'
import { truncation } from './truncation.js'

/** The contract. Every case runs on every host that it names, on a server of its own. */
export const cases: Case[] = [
  ...keepAlive,
  ...persist,
  ...gateOrder,
  ...gateClose,
  ...gateSpecial,
  ...ownListeners,
  ...linger,
  ...lingerEverywhere,
  ...halfClosed,
  ...idle,
  ...truncation,
  ...drainRequests,
  ...drainConnections,
  ...drainPhases,
  ...limits,
  ...stats,
  ...options,
]
