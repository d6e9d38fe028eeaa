import cluster from 'node:cluster'
import { createSocket } from 'node:dgram'
import type { Timers } from '../node/timers.js'

/** The largest there is: nothing is open by that number. */
const NO_FD = 0x7fff_ffff

/**
 * In a worker of `node:cluster` that has closed its listener: resolves when every connection has come that the primary handed over before it
 * heard of that, or after `ms`. One that is still on its way when the process exits stays open in the primary for ever, and is
 * answered by nobody; one that does come Node gives back, for another worker that listens. Messages keep their order, so any answer will
 * do, and every primary gives one to a `bind()` that must fail. Of UDP, for which it answers in the same moment: where it has a failing TCP
 * listener on its hands for a while, a second one throws there.
 */
export async function caughtUpWithPrimary(timers: Timers, ms: number): Promise<void> {
  const { worker } = cluster
  // A primary that has disconnected us answers no more.
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
