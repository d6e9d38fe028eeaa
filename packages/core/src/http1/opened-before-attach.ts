import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { hasBegun, incompleteMessages, isParsedElsewhere, parsedSockets } from '../node/parser.js'
import { declaredLength, openResponse, timeoutSetting } from '../node/response-fields.js'
import { rawBelowTls } from '../node/socket-handle.js'
import type { Connection, Http1Owner } from './connection.js'
import { connectionOf } from './connection-of.js'
import { beginExchange } from './exchange.js'
import { goIdle } from './idle.js'
import { noteWritten } from './response-written.js'

// Connections that were open before their server had a policy.

/** Takes over every connection that Node parses for a server, when the server is attached. */
export function takeOverAll(owner: Http1Owner): void {
  const incomplete = incompleteMessages(owner.server)
  for (const socket of parsedSockets(owner.server)) {
    const connection = takeOverConnection(owner, socket)
    if (connection === undefined) continue
    const res = openResponse(connection.socket)
    if (res instanceof ServerResponse) goOn(connection, res)
    // Nothing of its first message has come. The bytes that were read before may be a PROXY line.
    else if (incomplete.has(socket) && hasBegun(connection.socket) === false) connection.mark = 0
    else {
      // Node has made this promise with the previous answer.
      connection.promised = owner.inherited.keepAliveTimeout
      goIdle(connection)
    }
  }
}

/**
 * Takes over a connection that was not known when the server was attached, at its next request. `undefined`: it belongs to another server, or is no
 * socket.
 */
export function takeOverConnection(owner: Http1Owner, socket: unknown): Connection | undefined {
  if (!(socket instanceof Socket) || socket.destroyed || isParsedElsewhere(owner.server, socket)) return undefined
  if (connectionOf(socket) !== undefined) return undefined
  owner.admit(socket, rawBelowTls(socket))
  return connectionOf(socket)
}

/** Continues with a request that is being answered. This response stays as it is; the next one is governed wholly. */
function goOn(connection: Connection, res: ServerResponse): void {
  const { owner, socket } = connection
  const { req } = res
  owner.connections.turn(connection, 'busy')
  owner.limits.busy(connection)
  owner.counts.received++
  connection.requests++
  const exchange = beginExchange(connection, req, res, owner.now)
  connection.promised = timeoutSetting(res)
  exchange.headWritten = res.headersSent
  exchange.account = 'whole'
  const isCloseDelimited = res.headersSent && !res.chunkedEncoding && declaredLength(res) === null
  if (isCloseDelimited) {
    exchange.body = { declared: -1, written: 0, misfit: false }
    owner.closeDelimited.add(connection)
  }
  // It runs after Node's own listener, which takes the response off the socket, and puts the next one on it where several are being answered.
  res.once('finish', () => {
    const next = openResponse(socket)
    const isOlder = next instanceof ServerResponse && next !== res && !isWaiting(connection, next)
    if (!isOlder || connection.current !== exchange || connection.ending !== undefined) return noteWritten(connection)
    owner.counts.finished++
    owner.drain?.finished(exchange.arrived)
    goOn(connection, next)
  })
}

/** Its request arrived later, and waits for its turn. */
function isWaiting({ rare: { waiting } }: Connection, res: ServerResponse): boolean {
  return waiting?.some(({ args }) => args[1] === res) === true
}
