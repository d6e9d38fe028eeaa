import cluster from 'node:cluster'
import { createSocket } from 'node:dgram'
import type { Timers } from '../node/timers.js'

/** The largest number there is: no descriptor has it. */
const NO_FD = 0x7fff_ffff

/**
 * For a worker of `node:cluster` that has closed its listener. Resolves when every connection has arrived that the primary handed over before it
 * heard of the close, or after `ms`. A connection that is still on its way when the process exits stays open in the primary for ever, without an
 * answer; one that arrives is given back by Node, for another worker that listens. Messages keep their order, so any answer of the primary will do,
 * and every primary answers a `bind()` that must fail. The probe is a UDP socket, which the primary answers at once; a failing TCP listener stays in
 * the primary for a while, and a second one would throw there.
 */
export async function caughtUpWithPrimary(timers: Timers, ms: number): Promise<void> {
  const { worker } = cluster
  // A primary that has disconnected this worker does not answer.
  if (!worker?.isConnected() || worker.exitedAfterDisconnect) return
  await new Promise<void>((resolve) => {
    const probe = createSocket('udp4')
    const settle = () => {
      timer.stop()
      process.off('disconnect', settle)
      resolve()
    }
    const timer = timers.after(ms, settle)
    process.once('disconnect', settle)
    probe.on('error', settle).bind({ fd: NO_FD })
  })
}
