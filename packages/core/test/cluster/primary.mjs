// The primary of a cluster of two workers. Speaks with the test over IPC: { port }; then { restarts } or { error } for each { restart },
// { leaving, forked, pids } for each { look }, and { blocking } before it does nothing else for a while.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isLeaving, rollingRestart } from '../../dist/esm/cluster/index.js'

cluster.setupPrimary({ exec: fileURLToPath(new URL('worker.mjs', import.meta.url)) })
let forked = 0
cluster.on('fork', () => {
  forked++
})
let port = 0
for (let count = 0; count < 2; count++) [{ port }] = await once(cluster.fork(), 'listening')

const aborting = new AbortController()
const pidsOf = (workers) => workers.map(({ process }) => process.pid)

const commands = {
  restart(options) {
    rollingRestart({ ...options, signal: aborting.signal }).then(
      (restarts) =>
        process.send({
          restarts: restarts.map(({ old, code, signal, clean }) => ({ pid: old.process.pid, code, signal, clean })),
        }),
      ({ code, message }) => process.send({ error: { code, message } }),
    )
  },
  abort: () => aborting.abort(),
  block,
  look() {
    const workers = Object.values(cluster.workers)
    process.send({ look: { forked, leaving: pidsOf(workers.filter(isLeaving)), pids: pidsOf(workers) } })
  },
}

/**
 * Is busy with something else for a while, and tells the oldest worker to go in the midst of it: it has gone when the primary finds out,
 * behind the connections that have come by then.
 */
function block({ ms }) {
  process.send({ blocking: true })
  const began = Date.now()
  while (Date.now() < began + ms / 2);
  Object.values(cluster.workers)[0].process.kill('SIGTERM')
  while (Date.now() < began + ms);
}

process.on('message', ({ command, options }) => commands[command](options))
process.once('disconnect', () => {
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL')
  process.exit()
})
process.send({ port })
