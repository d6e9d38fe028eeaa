import type { Socket } from 'node:net'
import type { Connection } from './connection.js'

/**
 * Where a socket has its connection. Who is called for every request or connection asks for that by itself: sockets change their shape as they go, and in a
 * function that serves all of them V8 looks it up anew each time.
 */
export const kConnection: unique symbol = Symbol('halfclose.connection')

export interface SocketCarrier {
  [kConnection]?: Connection
}

/** The connection of a socket that is governed, if it is. */
export function connectionOf(socket: object | null | undefined): Connection | undefined {
  const carrier: SocketCarrier | null | undefined = socket
  return carrier?.[kConnection]
}

export function bind(socket: Socket, connection: Connection): void {
  const object: object = socket
  const carrier: SocketCarrier = object
  carrier[kConnection] = connection
}
