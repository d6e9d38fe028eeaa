import cluster from 'node:cluster'
import { Server as HttpServer } from 'node:http'
import { performance } from 'node:perf_hooks'
import { isolated } from '../events/events.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { shrinkBacklog } from '../node/server-fields.js'
import { isHttp2, speaksHttp1 } from '../node/server-kinds.js'
import type { GovernedServer } from '../server/governed-server.js'
import { unseenOf, unseenRequestsOf } from '../server/unseen-connections.js'
import { caughtUpWithPrimary } from './caught-up-with-primary.js'

/** Turns of the loop, and milliseconds, that must bring no new connection before the listener closes, and the longest this may take, in ms. */
const QUIET_TURNS = 4
const QUIET_MS = 25
const ACCEPT_AT_MOST = 500
/** As long as a queue commonly is. */
const ACCEPT_TURNS = 512

/**
 * Stops listening without http's own close, which destroys idle connections and switches the header and request timers off. The
 * kernel has finished handshakes that we have not accepted yet, and resets them when the listener closes: they are taken first. `remaining`:
 * milliseconds until the deadline. `fast`: clients that come back later are not waited for.
 */
export async function stopListening(governed: GovernedServer, remaining: () => number, fast: boolean): Promise<void> {
  const { server } = governed
  if (!server.listening) return
  await takeQueue(governed, fast ? 0 : QUIET_MS)
  // Not before the queue is empty: the kernel would ignore the last step of handshakes that are under way. And not where others accept
  // from the same queue: our close does not reset it, and a small one would turn their clients away.
  if (!governed.listener.isShared && !cluster.isWorker) {
    shrinkBacklog(server)
    await takeQueue(governed, 0)
  }
  governed.listener.close()
  await caughtUpWithPrimary(governed.timers, remaining())
}

/**
 * libuv accepts one connection a turn of the loop: goes on until a few turns, and `quiet` ms, have brought none. The time is for clients
 * that have just been told close, and come back at once.
 */
async function takeQueue({ counts, handshakes }: GovernedServer, quiet: number): Promise<void> {
  const began = performance.now()
  const seen = () => counts.opened + counts.allRefused + handshakes.size
  let last = began
  let all = 0
  for (let turns = 0, before = seen(); turns < QUIET_TURNS || performance.now() - last < quiet; turns++) {
    await new Promise((resolve) => (turns < QUIET_TURNS ? setImmediate(resolve) : setTimeout(resolve, 1)))
    const now = performance.now()
    // By turns as well: a turn may be long (a blocking handler, a starved machine), and takes one connection all the same.
    const over = ++all > ACCEPT_TURNS ? now - began : 0
    if (seen() === before) {
      // They go on coming: this turn at least has left nothing in the queue.
      if (over > ACCEPT_AT_MOST) return
      continue
    }
    if (over > 2 * ACCEPT_AT_MOST) return
    before = seen()
    last = now
    turns = 0
  }
}

/** How often idle connections are closed that nobody governs, in ms. */
const UNSEEN_EVERY = 50

/** Connections that nobody governs: how many were waited for, and how many requests of theirs were cut. */
export interface Unseen {
  readonly waited: number
  readonly cut: number
}

/**
 * After the last connection: waits for the server's own 'close', and switches its checker off, which only http's close does. What nobody
 * governs is waited for, as a bare server would, until the deadline. `remaining`: milliseconds until that.
 */
export async function finishClose(governed: GovernedServer, remaining: () => number): Promise<Unseen> {
  const { server } = governed
  if (!governed.listener.hasListened) return { waited: 0, cut: 0 }
  // What is left is not ours: streams that somebody has handed to the server, which Node's own close would end here.
  closeUnseen(server)
  const isOver = async (ms: number): Promise<boolean> =>
    (await governed.listener.closedWithin(ms)) && unseenRequestsOf(governed) === 0
  let waited = 0
  let cut = 0
  if (!(await isOver(100))) {
    waited = unseenOf(governed)
    while (remaining() > 0 && !(await isOver(Math.min(UNSEEN_EVERY, remaining())))) {
      closeUnseen(server)
      // 'close' may have come already.
      await new Promise((resolve) => setTimeout(resolve, Math.min(UNSEEN_EVERY, remaining())))
    }
    cut = unseenRequestsOf(governed)
    if (speaksHttp1(server)) {
      HttpServer.prototype.closeAllConnections.call(server)
      await governed.listener.closedWithin(1_000)
    }
  }
  // Once more would be one 'close' event too many; where something outlives the drain, the one to come is the first.
  governed.listener.mutesClose = governed.listener.hasClosed
  // Not by a class of the application, which has been asked.
  const { close } = isHttp2(server) ? Object.getPrototypeOf(server) : HttpServer.prototype
  Reflect.apply(close, server, [])
  return { waited, cut }
}

function closeUnseen(server: AttachableServer): void {
  if (!speaksHttp1(server)) return
  isolated(() => HttpServer.prototype.closeIdleConnections.call(server))
}
