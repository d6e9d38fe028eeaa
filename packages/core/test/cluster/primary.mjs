// The primary of a cluster of two workers. Speaks with the test over IPC: { port }, then { restarts } or { error } for each 'restart'.
import cluster from 'node:cluster'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { rollingRestart } from '../../dist/esm/cluster.js'

cluster.setupPrimary({ exec: fileURLToPath(new URL('worker.mjs', import.meta.url)) })
let port = 0
for (let count = 0; count < 2; count++) [{ port }] = await once(cluster.fork(), 'listening')

process.on('message', ({ env, ...options }) => {
  rollingRestart({ ...options, env }).then(
    (restarts) => process.send({ restarts: restarts.map(({ code, signal, clean }) => ({ code, signal, clean })) }),
    ({ code, message }) => process.send({ error: { code, message } }),
  )
})
process.once('disconnect', () => {
  for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL')
  process.exit()
})
process.send({ port })
