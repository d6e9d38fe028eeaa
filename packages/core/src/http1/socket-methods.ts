import { Socket } from 'node:net'
import { ownOfSocket, put, takeBack } from '../node/own-methods.js'
import { _destroy, destroy, shut } from './close.js'
import type { Connection } from './connection.js'
import { kConnection, type SocketCarrier } from './connection-of.js'
import { push } from './half-closed.js'
import { isWritten, noteWritten, written } from './response-written.js'

/** Node's own, unless they were replaced before we were loaded. */
const {
  setTimeout: nodeSetTimeout,
  destroySoon: nodeDestroySoon,
  destroy: nodeDestroy,
  push: nodePush,
  _destroy: nodeFinalDestroy,
} = Socket.prototype

/**
 * `socket.setTimeout` of a governed connection. Node calls it, and nothing else, when a response is with the kernel and the connection persists:
 * the idle timer that it would arm is ours (idle-timeout.ts), and no listener is needed for each response.
 */
export function setTimeout(this: Socket & SocketCarrier, ms: number, callback?: () => void): Socket {
  // At the beginning of each request, where the idle timer would be disarmed.
  if (ms === 0 && callback === undefined && !this.timeout) return this
  const connection = this[kConnection]
  if (connection?.current !== undefined && isWritten(connection.current)) {
    // Where others wait it is not Node that calls.
    const isNode = callback === undefined && (connection.isCommon || connection.rare.waiting === undefined)
    written(connection.current)
    if (isNode) return this
  }
  const { setTimeout: node }: Socket = Object.getPrototypeOf(connection?.socket ?? this)
  const prior = connection?.rare.own?.setTimeout ?? node
  return callback === undefined ? prior.call(this, ms) : prior.call(this, ms, callback)
}

/** `socket.destroySoon` of a governed connection: the one place where Node itself closes after a last response. */
export function destroySoon(this: Socket & SocketCarrier): void {
  const connection = this[kConnection]
  // A reset is on its way, which a FIN would overtake: the application has ended a response that was broken off.
  if (connection === undefined || connection.rare.resetTimer !== undefined) return
  if (connection.phase === 'upgraded') {
    const prior: Socket['destroySoon'] = connection.rare.own?.destroySoon ?? Object.getPrototypeOf(connection.socket).destroySoon
    prior.call(this)
    return
  }
  shut(connection, connection.inputEnded ? 'client-close' : 'handler')
  noteWritten(connection)
  // Our end() has been called: what is left for it is to be told, and destroy() when that is out, which is ours.
  connection.rare.own?.destroySoon?.call(this)
}

/** Puts our methods on the socket of a connection. */
export function takeOver(connection: Connection): void {
  const { socket } = connection
  // Asked for first: of nearly every socket they are Node's.
  const own = isNodes(socket) ? undefined : ownOfSocket(socket)
  if (own === undefined) {
    // One by one: Object.assign takes twenty times as long.
    socket.setTimeout = setTimeout
    socket.destroySoon = destroySoon
    socket.destroy = destroy
    socket.push = push
    socket._destroy = _destroy
    return
  }
  connection.makeRare().own = own
  put(socket, 'setTimeout', setTimeout)
  put(socket, 'destroySoon', destroySoon)
  put(socket, 'destroy', destroy)
  put(socket, 'push', push)
  put(socket, '_destroy', _destroy)
}

function isNodes(socket: Socket): boolean {
  return (
    socket.setTimeout === nodeSetTimeout &&
    socket.destroySoon === nodeDestroySoon &&
    socket.destroy === nodeDestroy &&
    socket.push === nodePush &&
    socket._destroy === nodeFinalDestroy
  )
}

/** The socket is as it was before. Over what others have put on it since, ours stay, and do nothing but call what was there. */
export function giveBack(socket: Socket, { rare: { own } }: Connection): void {
  takeBack(socket, 'setTimeout', setTimeout, own?.setTimeout)
  takeBack(socket, 'destroySoon', destroySoon, own?.destroySoon)
  takeBack(socket, 'destroy', destroy, own?.destroy)
  takeBack(socket, 'push', push, own?.push)
  takeBack(socket, '_destroy', _destroy, own?._destroy)
}
