import type { Case } from '../../support/contract.js'
import { conformanceConnection } from './conformance-connection.js'
import { conformanceRequests } from './conformance-requests.js'
import { conformanceResponses } from './conformance-responses.js'
import { conformanceSwitching } from './conformance-switching.js'
import { conformanceTcp } from './conformance-tcp.js'
import { conformanceTls } from './conformance-tls.js'
import { conformanceTlsClosing } from './conformance-tls-closing.js'
import { conformanceTlsHalfClosed } from './conformance-tls-half-closed.js'
import { conformanceTlsHandshakes } from './conformance-tls-handshakes.js'
import { conformanceTlsSessions } from './conformance-tls-sessions.js'
import { conformanceUpgraded } from './conformance-upgraded.js'
import { cutShows } from './cut-shows.js'
import { destroyed } from './destroy.js'
import { destroyLater } from './destroy-later.js'
import { drainConnections } from './drain-connections.js'
import { drainHeld } from './drain-held.js'
import { drainPhases } from './drain-phases.js'
import { drainReentry } from './drain-reentry.js'
import { drainRequests } from './drain-requests.js'
import { drainUpgraded } from './drain-upgraded.js'
import { endings } from './ends.js'
import { gateAgain } from './gate-again.js'
import { gateClose } from './gate-close.js'
import { gateLooks } from './gate-looks.js'
import { gateOrder } from './gate-order.js'
import { gateSpecial } from './gate-special.js'
import { halfClosed } from './half-closed.js'
import { halfClosedBound } from './half-closed-bound.js'
import { handedOn } from './handed-on.js'
import { idle } from './idle.js'
import { keepAlive } from './keep-alive.js'
import { keepAliveLater } from './keep-alive-later.js'
import { lateHeads } from './late-heads.js'
import { leaving } from './leaving.js'
import { limits } from './limits.js'
import { linger } from './linger.js'
import { lingerEverywhere } from './linger-everywhere.js'
import { list } from './list.js'
import { listen } from './listen.js'
import { messages } from './messages.js'
import { options } from './options.js'
import { ownListeners } from './own-listeners.js'
import { persist } from './persist.js'
import { persistLength } from './persist-length.js'
import { socketEnd } from './socket-end.js'
import { stalled } from './stalled.js'
import { stalledProgress } from './stalled-progress.js'
import { stats } from './stats.js'
import { statsWarnings } from './stats-warnings.js'
import { tlsRecords } from './tls-records.js'
import { truncation } from './truncation.js'
import { unix } from './unix.js'
import { unread } from './unread.js'
import { upgrades } from './upgrades.js'
import { whoseError } from './whose-error.js'
import { wrapped } from './wrapped.js'

/** The contract. Every case runs on every host that it names, on a server of its own. */
export const cases: Case[] = [
  ...keepAlive,
  ...keepAliveLater,
  ...persist,
  ...persistLength,
  ...gateOrder,
  ...gateClose,
  ...gateSpecial,
  ...gateLooks,
  ...gateAgain,
  ...lateHeads,
  ...ownListeners,
  ...wrapped,
  ...handedOn,
  ...linger,
  ...lingerEverywhere,
  ...halfClosed,
  ...halfClosedBound,
  ...idle,
  ...truncation,
  ...destroyed,
  ...unread,
  ...cutShows,
  ...destroyLater,
  ...whoseError,
  ...drainRequests,
  ...drainUpgraded,
  ...drainConnections,
  ...drainHeld,
  ...drainPhases,
  ...drainReentry,
  ...listen,
  ...unix,
  ...leaving,
  ...limits,
  ...socketEnd,
  ...stalled,
  ...stalledProgress,
  ...endings,
  ...stats,
  ...list,
  ...statsWarnings,
  ...messages,
  ...upgrades,
  ...options,
  ...conformanceRequests,
  ...conformanceResponses,
  ...conformanceConnection,
  ...conformanceSwitching,
  ...conformanceTcp,
  ...conformanceTls,
  ...conformanceTlsClosing,
  ...conformanceTlsHalfClosed,
  ...conformanceTlsHandshakes,
  ...conformanceTlsSessions,
  ...conformanceUpgraded,
  ...tlsRecords,
]
