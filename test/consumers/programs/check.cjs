const assert = require('node:assert/strict')
const { Agent, get } = require('node:http')

/** Two requests to a server, of which the second begins the drain. */
module.exports = async function check(name, { server, connections, body }) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const { port } = server.address()

  const first = await exchange({ port, path: '/', agent })
  assert.equal(first.body, body)
  assert.equal(first.headers.connection, 'keep-alive', `${name}: persistent`)
  assert.match(first.headers['keep-alive'] ?? '', /\btimeout=7\b/, `${name}: promised`)
  assert.equal(connections.state, 'serving')

  const last = await exchange({ port, path: '/drain', agent })
  assert.equal(last.status, 200)
  assert.equal(last.body, body)
  assert.equal(last.headers.connection, 'close', `${name}: the end is announced`)

  const report = await connections.drain()
  assert.equal(report.clean, true, `${name}: ${JSON.stringify(report)}`)
  assert.equal(connections.state, 'drained')
  agent.destroy()
}

function exchange(options) {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', ...options }, (res) => {
      let body = ''
      res.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, body }))
    }).on('error', reject)
  })
}
