/**
 * Two processes at one port, replaced one after the other while clients connect anew for each request: `unshare -rn node rolling.mjs '{ "migrate": true }'`. In a network namespace of its own, since it changes a setting of the
 * kernel. Prints one line of JSON: what was answered, and what was lost.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const { migrate, restarts = 4, clients = 4 } = JSON.parse(process.argv[2] ?? '{}')
const PORT = 3000

execFileSync('ip', ['link', 'set', 'lo', 'up'])
writeFileSync('/proc/sys/net/ipv4/tcp_migrate_req', migrate ? '1' : '0')

async function start() {
  const child = spawn(process.execPath, [fileURLToPath(new URL('server.mjs', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', PORT: String(PORT) },
  })
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('listening')) break
  }
  child.stdout.resume()
  return child
}

/** One request on a connection of its own: whether it was answered. */
function ask() {
  return new Promise((resolve) => {
    let text = ''
    const socket = connect(PORT, '127.0.0.1').setEncoding('latin1')
    socket.on('data', (chunk) => (text += chunk)).on('error', () => {})
    socket.on('close', () => resolve(text.includes('{"hello":"world"}')))
    socket.on('connect', () => socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'))
  })
}

let isOver = false
const counts = { answered: 0, lost: 0 }
async function client() {
  while (!isOver) {
    if (await ask()) counts.answered++
    else counts.lost++
  }
}

const processes = [await start(), await start()]
const done = Promise.all(Array.from({ length: clients }, client))
const codes = []
for (let n = 0; n < restarts; n++) {
  await sleep(300)
  const [oldest] = processes.splice(0, 1)
  const ended = once(oldest, 'exit')
  oldest.kill('SIGTERM')
  codes.push((await ended)[0])
  processes.push(await start())
}
isOver = true
await done
for (const one of processes) one.kill('SIGKILL')
console.log(JSON.stringify({ ...counts, codes }))
