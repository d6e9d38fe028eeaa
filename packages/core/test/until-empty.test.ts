import { createServer, type Socket } from 'node:net'
import { endedAfterAll } from '../../../test/support/server.js'
import { deferred, until, within } from '../../../test/support/wait.js'
import { UntilEmpty } from '../src/drain/until-empty.js'
import { Timers } from '../src/node/timers.js'

const opened = endedAfterAll()

async function acceptedSocket(): Promise<Socket> {
  const accepted = deferred<Socket>()
  await opened.connect(await opened.listen(createServer(accepted.resolve)))
  return within(accepted.promise, () => 'the socket')
}

const waiting = () =>
  new UntilEmpty(
    [],
    new Timers((error) => {
      throw error
    }),
  )

// The application has to hear of a cut before the drain is over, and a look at what is closed may come right behind the cut.
test("a socket is waited for until it has emitted 'close', also where a look finds it destroyed before", async () => {
  const socket = await acceptedSocket()
  const untilEmpty = waiting()
  let closed = false
  socket.once('close', () => {
    closed = true
  })
  untilEmpty.closing(socket)
  await new Promise<void>((resolve) => {
    setImmediate(() => {
      socket.destroy()
      untilEmpty.forgetClosed()
      resolve()
    })
  })
  expect([closed, untilEmpty.isEmpty]).toEqual([false, false])
  await until('nothing to be left', () => untilEmpty.isEmpty)
  expect(closed).toBe(true)
})

test('a socket is forgotten, too, whose listeners the application has removed', async () => {
  const socket = await acceptedSocket()
  const untilEmpty = waiting()
  untilEmpty.closing(socket)
  socket.removeAllListeners('close').destroy()
  untilEmpty.forgetClosed()
  await until('nothing to be left', () => untilEmpty.isEmpty)
})
