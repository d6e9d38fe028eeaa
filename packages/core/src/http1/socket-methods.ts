import { Socket } from 'node:net'
import { ownOfSocket, put, takeBack } from '../node/own-methods.js'
import { _destroy, destroy } from './close.js'
import type { Connection } from './connection.js'
import { push } from './half-closed.js'
import { destroySoon, setTimeout } from './incoming-request.js'

/** Node's own, unless they were replaced before we were loaded. */
const {
  setTimeout: nodeSetTimeout,
  destroySoon: nodeDestroySoon,
  destroy: nodeDestroy,
  push: nodePush,
  _destroy: nodeFinalDestroy,
} = Socket.prototype

/** Puts our methods on the socket of a connection. */
export function takeOver(connection: Connection): void {
  const { socket } = connection
  // Asked for first: of nearly every socket they are Node's.
  if (!isNodes(socket)) connection.own = ownOfSocket(socket)
  if (connection.own === undefined) {
    // One by one: Object.assign takes twenty times as long.
    socket.setTimeout = setTimeout
    socket.destroySoon = destroySoon
    socket.destroy = destroy
    socket.push = push
    socket._destroy = _destroy
    return
  }
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
export function giveBack(socket: Socket, { own }: Connection): void {
  takeBack(socket, 'setTimeout', setTimeout, own?.setTimeout)
  takeBack(socket, 'destroySoon', destroySoon, own?.destroySoon)
  takeBack(socket, 'destroy', destroy, own?.destroy)
  takeBack(socket, 'push', push, own?.push)
  takeBack(socket, '_destroy', _destroy, own?._destroy)
}
