import { connect } from 'node:net'
import { Scene } from '../engine/scene.js'
import { Unreachable } from '../engine/server-facts.js'
import type { Target } from '../engine/target.js'
import { pass } from '../wire/index.js'
import { Child, type Exit } from './child.js'
import type { Command } from './command.js'

/** The process that is started for each check, and the signal that stops it. */
export interface Started {
  command: Command
  signal: NodeJS.Signals
  /** When aborted, the process is killed at once. */
  abort: AbortSignal | undefined
}

/** How long a process may take until it listens, in ms. */
const START = 30_000

/** How long the port of a process that was killed may still take connections, in ms: its children end a moment after it. */
const FREE = 2_000

/** Starts a process. Resolves when its port takes connections. Throws {@link Unreachable}. */
export async function start({ command, abort }: Started, target: Target): Promise<Child> {
  for (let waited = 0; await listens(target); waited += 25) {
    if (waited > FREE)
      throw new Unreachable(`A server listens on ${target.url} already: ${command.file} cannot be started there.`)
    await pass(25)
  }
  const child = new Child(command, abort)
  const began = performance.now()
  while (performance.now() - began < START && child.exited === undefined) {
    if (await listens(target)) return child
    await pass(25)
  }
  const reason = whyNot(child)
  await child.kill()
  const said = await child.lastWords()
  throw new Unreachable(`${command.file} ${reason} ${target.url}${said === '' ? '.' : `. It said: ${said}`}`)
}

/** Why a process does not listen. */
function whyNot({ failure, exited }: Child): string {
  if (failure?.code === 'ENOENT') return 'cannot be started, there is no such program (no shell runs it): nothing listens on'
  if (failure !== undefined) return `cannot be started (${failure.code}): nothing listens on`
  if (exited === undefined) return `did not listen within ${START / 1_000} s on`
  return `ended (${exited.signal ?? `code ${exited.code}`}) before it listened on`
}

function listens({ host, port }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    socket.once('connect', () => {
      socket.resetAndDestroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A trial with a process of its own. */
export class StopScene extends Scene {
  #child: Child | undefined

  constructor(
    scene: Scene,
    readonly started: Started,
  ) {
    super(scene.target, scene.facts, scene.bounds)
  }

  async start(): Promise<void> {
    this.#child = await start(this.started, this.target)
  }

  get child(): Child {
    if (this.#child === undefined) throw new Error('the process was not started')
    return this.#child
  }

  signal(): void {
    this.child.stop(this.started.signal)
  }

  /** How the process ended; undefined if it still runs at its deadline. */
  exit(): Promise<Exit | undefined> {
    return this.child.exit(this.bounds.deadline)
  }

  override async dispose(): Promise<void> {
    await super.dispose()
    await this.#child?.kill()
  }
}
