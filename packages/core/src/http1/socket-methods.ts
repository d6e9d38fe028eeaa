import { Socket } from 'node:net'
import { patchedSocket, put, takeBack } from '../node/patched-methods.js'
import { _destroy, breakOffUpload, closeOutputFirst, countBrokenPromise, destroy, end } from './close.js'
import type { Connection } from './connection.js'
import { kConnection, type SocketCarrier } from './connection-of.js'
import { push } from './half-closed-client.js'
import { isWritten, noteWritten, written } from './response-written.js'

// The methods of a governed socket: halfclose replaces those by which Node tells of a response, and by which a connection ends.

/** Node's own methods, unless they were replaced before this package was loaded. */
const {
  setTimeout: nodeSetTimeout,
  destroySoon: nodeDestroySoon,
  destroy: nodeDestroy,
  push: nodePush,
  _destroy: nodeFinalDestroy,
  end: nodeEnd,
} = Socket.prototype

/**
 * `socket.setTimeout` of a governed connection. When the kernel has a response and the connection persists, Node calls only this, to arm its idle
 * timer. halfclose has an idle timer of its own (idle-timeout.ts), and so needs no listener for each response.
 */
export function setTimeout(this: Socket & SocketCarrier, ms: number, callback?: () => void): Socket {
  // Node's call at the beginning of each request, to disarm its idle timer.
  if (ms === 0 && callback === undefined && !this.timeout) return this
  const connection = this[kConnection]
  if (connection?.current !== undefined && isWritten(connection.current)) {
    // Where requests wait, this is not a call by Node.
    const isNode = callback === undefined && (connection.hasNoRareFields || connection.rare.waiting === undefined)
    written(connection.current)
    if (isNode) return this
  }
  const { setTimeout: node }: Socket = Object.getPrototypeOf(connection?.socket ?? this)
  const prior = connection?.rare.patched?.setTimeout ?? node
  return callback === undefined ? prior.call(this, ms) : prior.call(this, ms, callback)
}

/** `socket.destroySoon` of a governed connection: the one place where Node itself closes after a last response. */
export function destroySoon(this: Socket & SocketCarrier): void {
  const connection = this[kConnection]
  // A reset is about to be sent, and a FIN must not overtake it: the application has ended a response that was broken off.
  if (connection === undefined || connection.rare.resetTimer !== undefined) return
  if (connection.phase === 'upgraded') {
    const prior: Socket['destroySoon'] =
      connection.rare.patched?.destroySoon ?? Object.getPrototypeOf(connection.socket).destroySoon
    prior.call(this)
    return
  }
  const { current } = connection
  countBrokenPromise(connection)
  closeOutputFirst(connection, connection.inputEnded ? 'client-close' : 'handler')
  // Node calls it after a whole response. Other code that calls it in the middle of an upload breaks that off.
  if (current?.res.writableEnded === false && !current.req.complete) breakOffUpload(connection)
  noteWritten(connection)
  // Our end() has been called. The method of other code is still told; its destroy(), once that is out, is ours.
  connection.rare.patched?.destroySoon?.call(this)
}

/** Puts our methods on the socket of a connection. */
export function takeOverSocket(connection: Connection): void {
  const { socket } = connection
  // Asked first: on nearly every socket the methods are Node's.
  const patched = isNodes(socket) ? undefined : patchedSocket(socket)
  if (patched === undefined) {
    // One by one: Object.assign takes twenty times as long.
    socket.setTimeout = setTimeout
    socket.destroySoon = destroySoon
    socket.destroy = destroy
    socket.push = push
    socket._destroy = _destroy
    socket.end = end
    return
  }
  connection.makeRare().patched = patched
  for (const [name, method] of METHODS) put(socket, name, method)
}

function isNodes(socket: Socket): boolean {
  return (
    socket.setTimeout === nodeSetTimeout &&
    socket.destroySoon === nodeDestroySoon &&
    socket.destroy === nodeDestroy &&
    socket.push === nodePush &&
    socket._destroy === nodeFinalDestroy &&
    socket.end === nodeEnd
  )
}

/** Restores the socket's methods. Where other code has put its own over ours, ours stay and only call what was there. */
export function restoreSocket(socket: Socket, { rare: { patched } }: Connection): void {
  for (const [name, method] of METHODS) takeBack(socket, name, method, patched?.[name])
}

const METHODS = [
  ['setTimeout', setTimeout],
  ['destroySoon', destroySoon],
  ['destroy', destroy],
  ['push', push],
  ['_destroy', _destroy],
  ['end', end],
] as const
