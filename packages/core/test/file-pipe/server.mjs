// Servers whose one response is a file that is being read when its stream ends, one after another, in a process of their own: Node alone is ended by
// that. The file is a FIFO: its read ends when the stream has been destroyed, and before the loop has come to anything else.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { createServer } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attach } from '@halfclose/core'

const folder = mkdtempSync(join(tmpdir(), 'halfclose-'))
const ignore = () => {}
let count = 0

/** Starts a server, and says what happens: its port, the stream whose file is being read, and that the process goes on after its end. */
async function serve({ kind, options }) {
  const path = join(folder, `fifo-${count++}`)
  execFileSync('mkfifo', [path])
  // Both ways, so that opening it waits for nobody.
  const fifo = openSync(path, 'r+')
  const own = openSync(path, 'r+')
  let sent

  function respondWithFile(stream) {
    stream.on('error', ignore)
    stream.on('close', () => {
      writeSync(fifo, 'what was read too late')
      const until = Date.now() + 30
      while (Date.now() < until);
      if (kind === 'fd') closeSync(own)
      setTimeout(told, 20)
    })
    if (kind === 'fd') stream.respondWithFD(own, { ':status': 200 })
    else stream.respondWithFile(path, { ':status': 200 }, { onError: ignore })
  }

  function note(stream, session) {
    if (!stream.headersSent) return void setImmediate(note, stream, session)
    sent = { stream, session }
    process.send({ reading: stream.id })
  }

  const server = createServer()
  const connections = attach(server, { ...options, logger: { info: ignore, warn: ignore } })
  server.on('stream', (stream) => {
    stream.on('error', ignore)
    if (sent !== undefined) return
    if (kind !== 'pushed') {
      respondWithFile(stream)
      note(stream, stream.session)
      return
    }
    stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => {
      respondWithFile(pushed)
      note(pushed, stream.session)
    })
  })
  commands = {
    drain: () => connections.drain(),
    stream: () => setImmediate(() => sent.stream.destroy()),
    session: () => setImmediate(() => sent.session.destroy()),
    stop: () => server.close(),
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  process.send({ port: server.address().port })
}

/** The read has been told, and nothing happened; nor does it when what is left of it is collected. */
function told() {
  globalThis.gc()
  setImmediate(() => process.send({ survived: true }))
}

/** What the server under way can be told. */
let commands = {}

process.on('message', (message) => (typeof message === 'string' ? commands[message]() : serve(message)))
process.on('exit', () => rmSync(folder, { recursive: true }))
process.on('disconnect', () => process.exit())
