import type { Socket } from 'node:net'
import type { Connection } from './connection.js'

/**
 * The key of a socket's connection. Functions that run for every request or connection read it themselves: sockets change their shape, and in one
 * shared function V8 would look up the property anew each time.
 */
export const kConnection: unique symbol = Symbol('halfclose.connection')

export interface SocketCarrier {
  [kConnection]?: Connection
}

/** The connection of a governed socket. */
export function connectionOf(socket: object | null | undefined): Connection | undefined {
  const carrier: SocketCarrier | null | undefined = socket
  return carrier?.[kConnection]
}

export function bind(socket: Socket, connection: Connection): void {
  const object: object = socket
  const carrier: SocketCarrier = object
  carrier[kConnection] = connection
}
