// The clients of a busy server, in a process of their own: each sends one request on a connection, and comes back on a new one. Over IPC: gets a message when it is time
// to end, and says what its clients have seen.
import http2 from 'node:http2'
import net from 'node:net'
import tls from 'node:tls'

const [kind, port, count] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]
const seen = { answered: 0, refused: 0, lost: [] }
const secure = kind.startsWith('https')

function client() {
  let isOver = false
  const over = (what) => {
    if (isOver) return
    isOver = true
    if (what === 'answered') seen.answered++
    else if (what === 'ECONNREFUSED') seen.refused++
    else seen.lost.push(what)
    setTimeout(client, what === 'answered' ? 1 : 50)
  }
  if (kind.includes('2')) overHttp2(over)
  else overHttp1(over)
}

function overHttp1(over) {
  const send = () => socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const socket = secure
    ? tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, send)
    : net.connect(port, '127.0.0.1', send)
  let text = ''
  socket.on('data', (data) => {
    text += data
    if (!text.includes('done')) return
    over('answered')
    socket.destroy()
  })
  socket.on('end', () => over('FIN'))
  socket.on('error', ({ code }) => over(code))
}

function overHttp2(over) {
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false })
  // The stream tells of a refused connection as of one that is lost: the session has the reason.
  session.on('error', ({ code }) => over(code))
  session.on('close', () => over('closed'))
  const request = session.request({ ':path': '/' })
  let text = ''
  request.setEncoding('utf8')
  request.on('data', (data) => {
    text += data
  })
  request.on('end', () => {
    if (text === 'done') over('answered')
    session.destroy()
  })
  request.on('error', ({ code }) => setImmediate(over, code))
  request.end()
}

for (let n = 0; n < count; n++) client()
process.on('message', () => process.send(seen, () => process.exit()))
process.on('disconnect', () => process.exit())
