import cluster from 'node:cluster'
import { Server as HttpServer } from 'node:http'
import { performance } from 'node:perf_hooks'
import { isolated } from '../events/events.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { setImmediate, setTimeout } from '../node/real-timers.js'
import { shrinkBacklog } from '../node/server-fields.js'
import { isHttp2, speaksHttp1 } from '../node/server-kinds.js'
import type { GovernedServer } from '../server/governed-server.js'
import { unseenOf, unseenRequestsOf } from '../server/unseen-connections.js'
import { caughtUpWithPrimary } from './caught-up-with-primary.js'

// How a server stops listening: no connection that the kernel has accepted is lost.

/** Turns of the loop, and milliseconds, without a new connection after which the queue counts as taken; and the longest wait for that, in ms. */
const QUIET_TURNS = 4
const QUIET_MS = 25
const ACCEPT_AT_MOST = 500
/** The usual length of an accept queue. */
const ACCEPT_TURNS = 512

/**
 * Stops listening without http's own close, which destroys idle connections and switches the header and request timers off. The kernel has finished
 * handshakes that Node has not accepted yet, and resets them when the listener closes: so they are accepted first. `remaining`: milliseconds until
 * the deadline. `fast`: do not wait for clients that come back.
 */
export async function stopListening(governed: GovernedServer, remaining: () => number, fast: boolean): Promise<void> {
  const { server } = governed
  if (!server.listening) return
  await takeQueue(governed, fast ? 0 : QUIET_MS, 0, remaining)
  // Not before the queue is empty: the kernel would ignore the last step of handshakes that are under way. And not if other processes accept from the
  // same queue: our close does not reset it, and a small backlog would refuse their clients.
  if (!governed.listener.isShared && !cluster.isWorker) {
    governed.listener.makeWait()
    shrinkBacklog(server)
    await takeQueue(governed, 0, ACCEPT_TURNS, remaining)
  }
  try {
    governed.listener.close()
  } finally {
    governed.listener.endWait()
  }
  await caughtUpWithPrimary(governed.timers, remaining())
}

/**
 * Empties the accept queue. libuv accepts one connection in each turn of the loop, so this goes on until some turns, and `quiet` ms, have brought
 * none. The time is for clients that have just been told close, and come back at once. `turnsAtLeast`: so many turns it may have, however long they are.
 */
async function takeQueue(governed: GovernedServer, quiet: number, turnsAtLeast: number, remaining: () => number): Promise<void> {
  const { counts, handshakes, listener } = governed
  const accepted = () => counts.opened + counts.allRefused + handshakes.size + (listener.waiting?.length ?? 0)
  const began = performance.now()
  let before = accepted()
  /** When the last connection was accepted, and how many turns have brought none since. */
  let lastAt = began
  let quietTurns = 0
  for (let turns = 1; quietTurns < QUIET_TURNS || performance.now() - lastAt < quiet; turns++) {
    await new Promise((resolve) => (quietTurns < QUIET_TURNS ? setImmediate(resolve) : setTimeout(resolve, 1)))
    const now = performance.now()
    const isQuiet = accepted() === before
    // Connections may go on arriving, so the time is bounded: it ends with a turn that has brought none, or after twice that time with any. In the end turns
    // count as well as time: a turn may be long (a blocking handler, a slow machine, a process that stood still beyond the deadline), and still accepts only one
    // connection.
    const atMost = isQuiet ? ACCEPT_AT_MOST : 2 * ACCEPT_AT_MOST
    if (turns > turnsAtLeast && (now - began > atMost || remaining() <= 0)) return
    if (isQuiet) {
      quietTurns++
      continue
    }
    before = accepted()
    lastAt = now
    quietTurns = 0
  }
}

/** How often idle connections that no policy governs are closed, in ms. */
const UNSEEN_EVERY = 50

/** Connections that no policy governs: how many the drain waited for, and how many of their requests were cut. */
export interface Unseen {
  readonly waited: number
  readonly cut: number
}

/**
 * After the last connection: waits for the server's own 'close', and stops Node's timer for its connections, which only http's close does. As a bare
 * server would, it waits for connections that no policy governs, until the deadline. `remaining`: milliseconds until the deadline.
 */
export async function finishClose(governed: GovernedServer, remaining: () => number): Promise<Unseen> {
  const { server } = governed
  if (!governed.listener.hasListened) return { waited: 0, cut: 0 }
  // What is left belongs to no policy: streams that the application has handed to the server. Node's own close would end them here.
  closeUnseen(server)
  const isOver = async (ms: number): Promise<boolean> =>
    (await governed.listener.closedWithin(ms)) && unseenRequestsOf(governed) === 0
  let waited = 0
  let cut = 0
  if (!(await isOver(100))) {
    waited = unseenOf(governed)
    // From Node 24 on this sends a GOAWAY to such sessions. No governed session is left, whose new streams it would refuse.
    if (waited > 0 && isHttp2(server)) closeByNode(server)
    while (remaining() > 0 && !(await isOver(Math.min(UNSEEN_EVERY, remaining())))) {
      closeUnseen(server)
      // 'close' may have been emitted already.
      await new Promise((resolve) => setTimeout(resolve, Math.min(UNSEEN_EVERY, remaining())))
    }
    cut = unseenRequestsOf(governed)
    if (speaksHttp1(server)) {
      HttpServer.prototype.closeAllConnections.call(server)
      await governed.listener.closedWithin(1_000)
    }
  }
  // A second close would emit 'close' again. If something outlives the drain, that event is still to come, and is the first.
  governed.listener.mutesClose = governed.listener.hasClosed
  closeByNode(server)
  return { waited, cut }
}

/** Node's own method: that of the application's class has been called already. */
function closeByNode(server: AttachableServer): void {
  const { close } = isHttp2(server) ? Object.getPrototypeOf(server) : HttpServer.prototype
  Reflect.apply(close, server, [])
}

function closeUnseen(server: AttachableServer): void {
  if (!speaksHttp1(server)) return
  isolated(() => HttpServer.prototype.closeIdleConnections.call(server))
}
