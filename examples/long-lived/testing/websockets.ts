import { once } from 'node:events'
import WebSocket from 'ws'
import type { Client } from '../../../test/support/client.js'
import { until, within } from '../../../test/support/wait.js'
import type { Cast, Running } from './cast.js'
import { closeFrame, text, upgrade } from './frames.js'

export interface Goodbye {
  code: number
  reason: string
}

/** A real client, connected and answered once. */
export async function talking(cast: Cast, port: number, path: string): Promise<{ goodbye(): Promise<Goodbye> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
  cast.also(() => socket.terminate())
  const goodbye = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }))
  // A test that fails before has its own error.
  goodbye.catch(() => {})
  await within(once(socket, 'open'), () => 'the WebSocket opens')
  socket.send('hello')
  const [answer] = await within(once(socket, 'message'), () => 'an echo')
  expect(String(answer)).toBe('echo hello')
  return { goodbye: () => within(goodbye, () => 'the WebSocket is closed') }
}

/** A client that ignores the close frame has until the deadline, hears nothing more, and is cut. */
export async function isCutAtTheDeadline({ example, port }: Running, cast: Cast, path: string, deadline: number): Promise<void> {
  const rude: Client = await cast.connect(port)
  expect((await rude.ask(upgrade(path))).status).toBe(101)
  void rude.send(text('hello'))
  const echo = Buffer.from('\x81\x0aecho hello', 'latin1')
  await until('an echo', () => Buffer.concat(rude.parser.tunnel).equals(echo))

  const told = Date.now()
  example.terminate()
  const all = Buffer.concat([echo, closeFrame(1001, 'restarting')])
  await until('the close frame', () => Buffer.concat(rude.parser.tunnel).length >= all.length)
  expect(rude.ending).toBeUndefined()
  void rude.send(text('too late'))
  await rude.closed(deadline + 10_000)
  expect(Buffer.concat(rude.parser.tunnel)).toEqual(all)
  expect(Date.now() - told).toBeGreaterThan(deadline - 100)

  // `clean` speaks of requests, and this one was answered, with 101: the report names it all the same.
  expect(await within(example.exit, () => 'the process ends')).toEqual({ code: 0, signal: null })
  expect(example.lines.join('\n')).toMatch(/ 0 cut; .*; 1 held it to the deadline/)
}
