import { performance } from 'node:perf_hooks'
import type { CloseReason } from '../events/types.js'
import { parseConnection } from '../http/tokens.js'
import { mayHoldMore } from '../node/parser.js'
import { refusesBody, removedConnection } from '../node/response-fields.js'
import type { KeepAlivePolicy } from '../options/types.js'
import { closeReason, goesOn } from '../policy.js'
import type { Connection, Exchange } from './connection.js'
import type { Said } from './connection-header.js'
import { endsWithTrailers } from './exchange.js'

// Whether a connection persists after a response: this file gathers the facts, and the policy decides. test/fast-path.test.ts proves that the two
// short ways give the same answer as the long one.

/** The short way for nearly every response, if the application has said nothing about the connection: whether nothing prevents another request. */
export function isKeptPlainly(exchange: Exchange, keepAlive: KeepAlivePolicy): boolean {
  const { connection } = exchange
  const { owner, requests } = connection
  const isTimeless = connection.hasNoRareFields || (connection.rare.expiresAt === Number.POSITIVE_INFINITY && !connection.excess)
  const steady = owner.phase === 'serving' && isTimeless
  const persists = !exchange.isSpecial || (exchange.facts.persists && !endsWithTrailers(exchange))
  return goesOn(keepAlive, persists, steady, connection.inputEnded, requests)
}

/** The other short way: the client asked for the close, and Node announces it itself. */
export function isAskedToClose({ facts, connection, res }: Exchange): boolean {
  return facts.askedClose && !facts.http10 && !connection.excess && !res.shouldKeepAlive && !removedConnection(res)
}

/** Why this response is the last of its connection, from the newest facts; `undefined`: it is not the last. */
export function decide(exchange: Exchange, said: Said): CloseReason | undefined {
  const { connection, req, res, facts } = exchange
  const { http10, parserPersists } = facts
  const { owner, requests, inputEnded } = connection
  const { keepAlive } = owner.policy
  return closeReason(
    keepAlive,
    {
      http10,
      parserPersists,
      askedClose: facts.askedClose || endsWithTrailers(exchange),
      askedKeepAlive: facts.askedKeepAlive,
      handlerCloses: (parserPersists && !res.shouldKeepAlive) || parseConnection(said.connection).close,
      refusesBody: refusesBody(res),
      unframed: said.transferEncoding !== undefined && !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(said.transferEncoding),
      faultyFraming: http10 && req.headers['transfer-encoding'] !== undefined,
      requests,
      expiresAt: connection.rare.expiresAt,
      excess: connection.excess,
      inputEnded:
        inputEnded && connection.rare.waiting === undefined && connection.socket.readableLength === 0 && !mayHoldMore(req),
      phase: owner.phaseFor(connection.openedAt),
      left: owner.left(),
      owesMore: owesMore(connection),
    },
    // The clock is read only if something depends on it.
    connection.rare.expiresAt === Number.POSITIVE_INFINITY ? 0 : performance.now(),
    Math.random,
  )
}

function owesMore({ owner, rare: { waiting } }: Connection): boolean {
  const first = waiting?.[0]
  return first !== undefined && owner.drain !== undefined && first.arrived < owner.drain.began
}
