// Clients on an event loop of their own, for tests that block the server's. See remote.ts.
import { connect as connectTcp } from 'node:net'
import { setTimeout as pass } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'

const { port, tls, count, warm, delay, again, patience } = workerData
const request = (path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

function open() {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false }
  const socket = tls ? connectTls(options) : connectTcp(options)
  const client = { socket, text: '', ending: 'open' }
  const changed = new Set()
  client.until = (text) =>
    new Promise((resolve) => {
      const look = () => (client.text.includes(text) || client.ending !== 'open') && resolve()
      changed.add(look)
      look()
    })
  const notify = () => {
    for (const look of changed) look()
  }
  socket.setEncoding('latin1')
  socket.on('data', (data) => {
    client.text += data
    notify()
  })
  socket.on('end', () => {
    if (client.ending === 'open') client.ending = 'fin'
    notify()
  })
  socket.on('error', (error) => {
    if (client.ending === 'open') client.ending = error.code
    notify()
  })
  return client
}

const clients = []
if (warm) {
  for (let n = 0; n < count; n++) {
    const client = open()
    clients.push(client)
    client.socket.write(request('/first'))
    await client.until('\r\n\r\n/first')
  }
}
parentPort.postMessage('ready')
await pass(delay)
while (clients.length < count) clients.push(open())
for (const { socket } of clients) socket.write(request('/late'))
const answered = (path) => Promise.race([Promise.all(clients.map((client) => client.until(`\r\n\r\n${path}`))), pass(patience)])
await answered('/late')
if (again !== undefined) {
  await pass(again)
  for (const { socket } of clients) socket.write(request('/again'))
  await answered('/again')
}
parentPort.postMessage(clients.map(({ text, ending }) => ({ text, ending })))
for (const { socket } of clients) socket.destroy()
