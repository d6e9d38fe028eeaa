import cluster from 'node:cluster'
import { createServer } from 'node:net'

/** Milliseconds that a primary may be busy with something else. One that has put the worker down as leaving (`exitedAfterDisconnect`) never answers. */
const AT_MOST = 2_000

/** Nothing can listen below a file. By pid, since Node's primary throws where two workers ask for the same and it fails. */
const NOWHERE = `/dev/null/halfclose-${process.pid}`

/**
 * In a worker of `node:cluster` that has closed its listener: resolves when every connection has come that the primary handed over before it
 * heard of that, or after `ms`, two seconds at most. One that is still on its way when the process exits stays open in the primary for ever, and is
 * answered by nobody; one that does come Node gives back, for another worker. Messages keep their order, so any answer of the primary will do,
 * and the one to a `listen()` every primary gives.
 */
export function caughtUpWithPrimary(ms: number): Promise<void> {
  const { worker } = cluster
  // A primary that has disconnected us answers no more.
  if (worker === undefined || !worker.isConnected() || worker.exitedAfterDisconnect) return Promise.resolve()
  return new Promise((resolve) => {
    const probe = createServer()
    const settle = () => {
      clearTimeout(timer)
      process.off('disconnect', settle)
      probe.close()
      resolve()
    }
    const timer = setTimeout(settle, Math.min(ms, AT_MOST))
    process.once('disconnect', settle)
    probe.once('error', settle).listen(NOWHERE, settle)
  })
}
