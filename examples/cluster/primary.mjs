// node primary.mjs     kill -HUP: a rolling restart, e.g. after a deploy     kill -TERM: stop
import cluster from 'node:cluster'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { isLeaving, rollingRestart } from '@halfclose/core/cluster'

const WORKERS = Number(process.env.WORKERS ?? availableParallelism())

cluster.setupPrimary({ exec: fileURLToPath(new URL('server.mjs', import.meta.url)) })

const alive = () => Object.values(cluster.workers).filter((worker) => !worker.isDead())
const listening = new WeakSet()
const stopping = new AbortController()

async function restart() {
  try {
    await rollingRestart({
      signal: stopping.signal,
      // More than the worker's `drain.deadline` (20 s) and its linger (2 s).
      killAfter: 25_000,
      onRestart: ({ old, ms, clean }) =>
        console.log(`worker ${old.process.pid} replaced, ${Math.round(ms)} ms, ${clean ? 'nothing cut' : 'something was cut'}`),
    })
  } catch (error) {
    // The new worker did not start. The old ones still serve.
    console.error(error.message)
  }
}

function stop(signal) {
  if (stopping.signal.aborted) return
  // Before the workers are told: from here on the restart tells no worker.
  stopping.abort(signal)
  for (const worker of alive()) if (listening.has(worker)) tell(worker)
}

/** Not the workers that a restart has already told: a second signal ends a process at once. */
function tell(worker) {
  // The same signal that came. A terminal and systemd have sent it to the workers already, and the same signal twice counts once.
  if (!isLeaving(worker)) worker.process.kill(stopping.signal.reason)
}

cluster.on('listening', (worker) => {
  listening.add(worker)
  if (stopping.signal.aborted) tell(worker)
})

cluster.on('exit', (worker, code, signal) => {
  if (stopping.signal.aborted) {
    // The primary ends with its last worker.
    if (code !== 0) process.exitCode = 1
  } else if (!isLeaving(worker)) {
    console.error(`worker ${worker.process.pid} ended by itself (${signal ?? code})`)
    // Not at once: one that cannot start must not be started all the time.
    setTimeout(() => !stopping.signal.aborted && alive().length < WORKERS && cluster.fork(), 1_000)
  }
})

process.on('SIGHUP', restart)
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

for (let count = 0; count < WORKERS; count++) cluster.fork()
