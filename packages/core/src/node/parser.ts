import type { Socket } from 'node:net'
import { amidMessage } from './private.js'

/** What the parsers of each server have said, while somebody asks for many connections: for as long as one call lasts, so that a second copy loses nothing. */
let said: Map<object, ReadonlySet<unknown>> | undefined

/**
 * Runs what asks for many connections: the parsers of each server are asked once. Nothing can arrive meanwhile, and what they said is forgotten at its
 * end: parsers move on between two callbacks.
 */
export function atOnce<T>(run: () => T): T {
  if (said !== undefined) return run()
  said = new Map()
  try {
    return run()
  } finally {
    said = undefined
  }
}

/** Whether a message has begun to arrive on a socket that has not come as a whole. By itself as much work as there are such sockets. */
export function isAmidMessage(server: object, socket: Socket): boolean {
  if (said === undefined) return amidMessage(server).has(socket)
  let amid = said.get(server)
  if (amid === undefined) {
    amid = amidMessage(server)
    said.set(server, amid)
  }
  return amid.has(socket)
}
