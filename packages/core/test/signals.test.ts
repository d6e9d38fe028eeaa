import { EventEmitter } from 'node:events'
import { performance } from 'node:perf_hooks'
import { deferred, pass, within } from '../../../test/support/wait.js'
import { joinSignals, type LeaveRequest, type Participant, type SignalHost } from '../src/process/join-signals.js'

const SIGNALS = ['SIGTERM', 'SIGINT', 'message', 'exit']

/** A process whose end can be looked at. */
class FakeProcess extends EventEmitter implements SignalHost {
  readonly exits: (number | undefined)[] = []
  exitCode: number | undefined
  readonly #exited = deferred<number | undefined>()

  exit(code?: number): void {
    this.exits.push(code)
    this.#exited.resolve(code)
  }

  exited(): Promise<number | undefined> {
    return within(this.#exited.promise, () => 'the process exits')
  }

  listening(): string[] {
    return SIGNALS.filter((event) => this.listenerCount(event) > 0)
  }
}

class App implements Participant {
  readonly requests: LeaveRequest[] = []
  readonly warnings: string[] = []
  readonly told: [string, string][] = []
  readonly left = deferred<boolean>()

  constructor(readonly name = 'app') {}

  leave(request: LeaveRequest): Promise<boolean> {
    this.requests.push(request)
    return this.left.promise
  }

  progress(): string {
    return '1 busy, 9000 ms until its deadline'
  }

  warn(message: string): void {
    this.warnings.push(message)
  }

  tell(message: string, code: string): void {
    this.told.push([code, message])
  }
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Until a signal does not count any more as the first one, sent twice. */
const pastDouble = async (): Promise<void> => {
  await pass(300)
  await turns()
}

describe('the coordinator', () => {
  let host: FakeProcess

  beforeEach(() => {
    host = new FakeProcess()
  })

  it.each([
    ['SIGTERM', 'SIGTERM', []],
    ['SIGINT', 'SIGINT', []],
    ['shutdown', 'message', ['shutdown']],
  ])('lets everyone leave on %s, and exits after the last one', async (reason, event, args) => {
    const [first, second] = [new App('first'), new App('second')]
    for (const app of [first, second]) joinSignals(app, host)
    host.emit(event, ...args)
    expect(first.requests).toEqual([expect.objectContaining({ reason })])
    expect(second.requests).toEqual([expect.objectContaining({ reason })])

    first.left.resolve(true)
    await turns()
    expect(host.exits).toEqual([])
    second.left.resolve(true)
    // Without a code, so that a process.exitCode which the application has set counts.
    expect(await host.exited()).toBeUndefined()
    expect(host.listenerCount('exit')).toBe(0)
  })

  it('asks nobody to leave for any other message', () => {
    const app = new App()
    joinSignals(app, host)
    for (const message of ['shutdown now', { type: 'shutdown' }, undefined]) host.emit('message', message)
    expect(app.requests).toEqual([])
  })

  it('exits with 1 when something was cut, also by the first of two', async () => {
    const [cut, whole] = [new App(), new App()]
    for (const app of [cut, whole]) joinSignals(app, host)
    host.emit('SIGTERM')
    cut.left.resolve(false)
    await turns()
    whole.left.resolve(true)
    expect(await host.exited()).toBe(1)
  })

  it('exits with 1 when a close failed, says so, and still waits for the others', async () => {
    const other = new App()
    const failing = Object.assign(new App('failing'), { leave: () => Promise.reject(new Error('the pool would not close')) })
    for (const app of [failing, other]) joinSignals(app, host)
    host.emit('SIGTERM')
    await turns()
    expect(host.exits).toEqual([])
    expect(failing.warnings).toEqual([expect.stringContaining('failing did not close: Error: the pool would not close')])
    other.left.resolve(true)
    expect(await host.exited()).toBe(1)
  })

  it('treats a leave that throws at once like one that rejects', async () => {
    const throwing = Object.assign(new App(), {
      leave: () => {
        throw new Error('at once')
      },
    })
    joinSignals(throwing, host)
    host.emit('SIGTERM')
    expect(await host.exited()).toBe(1)
  })

  it.each([
    ['SIGTERM', [], 143],
    ['SIGINT', [], 130],
    ['message', ['shutdown'], 1],
  ])('ends the process at once on a second %s', async (event, args, code) => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(new App('api'), host)
      host.emit('SIGTERM')
      await pastDouble()
      host.emit(event, ...args)
      expect(host.exits).toEqual([code])
      host.emit('exit', code)
      expect(error.mock.calls).toEqual([
        [
          expect.stringMatching(
            /ended by a second signal \((SIG\w+|shutdown)\) while it drained, \d+ ms after SIGTERM\. api: 1 busy, 9000 ms until/,
          ),
        ],
      ])
    } finally {
      error.mockRestore()
    }
  })

  it('hears a second signal although the clock of the machine was set back meanwhile', async () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    const monotonic = jest.spyOn(performance, 'now').mockReturnValue(1_000)
    const wall = jest.spyOn(Date, 'now').mockReturnValue(7_200_000)
    try {
      joinSignals(new App('api'), host)
      host.emit('SIGINT')
      monotonic.mockReturnValue(1_250)
      wall.mockReturnValue(3_600_000)
      await pastDouble()
      host.emit('SIGINT')
      expect(host.exits).toEqual([130])
      host.emit('exit', 130)
      expect(error.mock.calls).toEqual([[expect.stringContaining('250 ms after SIGINT')]])
    } finally {
      wall.mockRestore()
      monotonic.mockRestore()
      error.mockRestore()
    }
  })

  it.each(['SIGTERM', 'SIGINT'])('takes the %s that npm forwards for the one that it has seen already', async (signal) => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(new App(), host)
      host.emit(signal)
      await turns()
      host.emit(signal)
      expect(host.exits).toEqual([])
      await pastDouble()
      host.emit(signal)
      expect(host.exits).toEqual([signal === 'SIGTERM' ? 143 : 130])
    } finally {
      error.mockRestore()
    }
  })

  it('takes another signal for another one at any time', () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(new App(), host)
      host.emit('SIGTERM')
      host.emit('SIGINT')
      expect(host.exits).toEqual([130])
    } finally {
      error.mockRestore()
    }
  })

  it('forgives as many repeats as there were other listeners, and says so; one more ends the process', async () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    const now = jest.spyOn(performance, 'now').mockReturnValue(1_000)
    try {
      const app = new App()
      // One that is called once, and was there first, is gone when the signal comes to the others: it counts all the same.
      host.once('SIGTERM', () => {})
      joinSignals(app, host)
      host.on('SIGTERM', () => {})
      host.emit('SIGTERM')
      await pastDouble()
      for (const at of [2_000, 3_000]) {
        now.mockReturnValue(at)
        host.emit('SIGTERM')
      }
      expect(app.told).toEqual([
        ['HALFCLOSE_OTHER_LISTENERS', expect.stringMatching(/2 other listeners of SIGTERM.*`onDrained`.*`onClose`/)],
        ['HALFCLOSE_SIGNAL_REPEATED', expect.stringMatching(/SIGTERM again, 1000 ms after the first: .* 1 more will be/)],
        ['HALFCLOSE_SIGNAL_REPEATED', expect.stringMatching(/again, 2000 ms after the first: .* the next one ends the process/)],
      ])
      expect(host.exits).toEqual([])
      now.mockReturnValue(4_000)
      host.emit('SIGTERM')
      expect(host.exits).toEqual([143])
    } finally {
      now.mockRestore()
      error.mockRestore()
    }
  })

  it('takes no signal for another listener’s that comes another way', () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(new App(), host)
      host.on('SIGTERM', () => {})
      host.emit('SIGTERM')
      host.emit('SIGINT')
      expect(host.exits).toEqual([130])
    } finally {
      error.mockRestore()
    }
  })

  it.each([
    [true, 0, undefined],
    [false, 1, 1],
  ])(
    'gives other listeners until the event loop is empty, where clean is %s; no signal, and no exit(0) of theirs, changes the code %d',
    async (clean, code, given) => {
      const app = new App()
      joinSignals(app, host)
      host.on('SIGTERM', () => {})
      host.emit('SIGTERM')
      app.left.resolve(clean)
      await turns()
      expect(host.exits).toEqual([])
      // A listener of messages would keep the loop from being empty.
      expect(host.listenerCount('message')).toBe(0)
      host.emit('SIGTERM')
      expect(host.exits).toEqual([])
      host.emit('exit', 0)
      expect(host.exitCode ?? 0).toBe(code)
      host.emit('beforeExit')
      expect(host.exits).toEqual([given])
    },
  )

  it('gives them nothing beyond the deadline', async () => {
    const app = Object.assign(new App(), { remaining: () => 0 })
    joinSignals(app, host)
    host.on('SIGTERM', () => {})
    host.emit('SIGTERM')
    app.left.resolve(false)
    expect(await host.exited()).toBe(1)
  })

  it('ends with 1 where a signal comes while only the application’s own closing is waited for', () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(
        Object.assign(new App('api'), { isDrained: () => true, progress: () => 'nothing open, `onDrained` has not settled' }),
        host,
      )
      host.emit('SIGTERM')
      host.emit('SIGINT')
      expect(host.exits).toEqual([1])
      host.emit('exit', 1)
      expect(error.mock.calls).toEqual([
        [
          expect.stringMatching(
            /ended by a second signal \(SIGINT\) after the drain, .*api: nothing open, `onDrained` has not settled/,
          ),
        ],
      ])
    } finally {
      error.mockRestore()
    }
  })

  it("ran dry no more, where another listener of 'beforeExit' has given the process something to do", async () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(new App('api'), host)
      host.emit('SIGTERM')
      host.emit('beforeExit')
      await turns()
      host.emit('exit', 0)
      expect(host.exitCode).toBeUndefined()
      expect(error.mock.calls).toEqual([[expect.not.stringContaining('nothing was left to run')]])
    } finally {
      error.mockRestore()
    }
  })

  it('makes the exit code 1 where nothing is left to run while an application has not left', () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      joinSignals(new App('api'), host)
      host.emit('SIGTERM')
      host.emit('beforeExit')
      host.emit('exit', 0)
      expect(host.exitCode).toBe(1)
      expect(error.mock.calls).toEqual([[expect.stringMatching(/ended by itself \(nothing was left to run\) .*api: 1 busy/)]])
    } finally {
      error.mockRestore()
    }
  })

  it('listens to what each has named, and everyone leaves on it', () => {
    const [usual, own] = [new App(), Object.assign(new App(), { signals: ['SIGUSR2'] })]
    const off = joinSignals(own, host)
    expect(host.eventNames()).toEqual(['SIGUSR2'])
    joinSignals(usual, host)
    expect(host.eventNames()).toEqual(['SIGUSR2', 'SIGTERM', 'SIGINT', 'message'])
    off()
    expect(host.eventNames()).toEqual(['SIGTERM', 'SIGINT', 'message'])
    joinSignals(own, host)
    host.emit('SIGUSR2')
    expect(usual.requests).toEqual([{ reason: 'SIGUSR2', fast: false }])
  })

  it('takes the worst of the exit codes that are named', async () => {
    const [seven, cut] = [Object.assign(new App(), { exitCode: () => 7 }), new App()]
    for (const app of [seven, cut]) joinSignals(app, host)
    host.emit('SIGTERM')
    seven.left.resolve(false)
    cut.left.resolve(false)
    expect(await host.exited()).toBe(7)
  })

  it('says so when somebody else ends the process while it drains, and only then', async () => {
    const error = jest.spyOn(console, 'error').mockImplementation(() => {})
    try {
      const [fast, slow] = [new App('fast'), new App('slow')]
      for (const app of [fast, slow]) joinSignals(app, host)
      host.emit('exit', 0)
      expect(error).not.toHaveBeenCalled()
      host.emit('SIGTERM')
      fast.left.resolve(true)
      await turns()
      host.emit('exit', 0)
      expect(error.mock.calls).toEqual([[expect.stringMatching(/ended by other code .* \d+ ms after SIGTERM\. slow: 1 busy/)]])
      expect(error.mock.calls[0]![0]).not.toContain('fast:')
    } finally {
      error.mockRestore()
    }
  })

  it('takes along who joins while it leaves', async () => {
    const [early, late] = [new App(), new App()]
    joinSignals(early, host)
    host.emit('SIGTERM')
    joinSignals(late, host)
    expect(late.requests).toHaveLength(1)
    early.left.resolve(true)
    await turns()
    expect(host.exits).toEqual([])
    late.left.resolve(true)
    await host.exited()
    await turns()
    expect(host.exits).toHaveLength(1)
  })

  it('listens only while somebody has joined', () => {
    const leave = [joinSignals(new App(), host), joinSignals(new App(), host)]
    expect(host.listening()).toEqual(['SIGTERM', 'SIGINT', 'message'])
    expect(host.listenerCount('SIGTERM')).toBe(1)
    leave[0]!()
    leave[0]!()
    expect(host.listening()).toEqual(['SIGTERM', 'SIGINT', 'message'])
    leave[1]!()
    expect(host.listening()).toEqual([])
    joinSignals(new App(), host)()
    expect(host.listening()).toEqual([])
  })

  it('waits for one that goes off the list while it leaves, as a closed application does', async () => {
    const app = new App()
    const off = joinSignals(app, host)
    host.emit('SIGTERM')
    off()
    await turns()
    expect(host.exits).toEqual([])
    expect(host.listenerCount('SIGTERM')).toBe(1)
    app.left.resolve(true)
    await host.exited()
  })

  it('is one for two copies of the package', async () => {
    const copies = [joinSignals]
    jest.isolateModules(() => copies.push(require('../src/process/join-signals.js').joinSignals))
    expect(copies[1]).not.toBe(joinSignals)
    const apps = copies.map((join) => {
      const app = new App()
      join(app, host)
      return app
    })
    expect(host.listenerCount('SIGTERM')).toBe(1)
    host.emit('SIGTERM')
    apps[0]!.left.resolve(true)
    await turns()
    expect(host.exits).toEqual([])
    apps[1]!.left.resolve(true)
    await host.exited()
  })
})

describe('at a terminal', () => {
  const load = (terminal: boolean): typeof joinSignals => {
    let join = joinSignals
    jest.isolateModules(() => {
      jest.doMock('node:tty', () => ({ isatty: (fd: number) => terminal && fd === 0 }))
      join = require('../src/process/join-signals.js').joinSignals
      jest.dontMock('node:tty')
    })
    return join
  }

  it.each([
    ['SIGINT', true, true],
    ['SIGINT', false, false],
    ['SIGTERM', true, false],
  ])('%s, at a terminal %s: fast %s', (signal, terminal, fast) => {
    const [host, app] = [new FakeProcess(), new App()]
    load(terminal)(app, host)
    host.emit(signal)
    expect(app.requests).toEqual([{ reason: signal, fast }])
  })
})
