import { ACK, type Frame, frame, uint32 } from './frames.js'

/** A polite client's answers to a frame: acknowledgements, and updates of the windows for what was received. */
export function repliesTo(one: Frame): Buffer[] {
  if (one.type === 'SETTINGS' && !one.ack) return [frame('SETTINGS', ACK, 0)]
  if (one.type === 'PING' && !one.ack) return [frame('PING', ACK, 0, one.data)]
  if (one.type !== 'DATA' || one.bytes === 0) return []
  const connection = frame('WINDOW_UPDATE', 0, 0, uint32(one.bytes))
  return one.end ? [connection] : [connection, frame('WINDOW_UPDATE', 0, one.stream, uint32(one.bytes))]
}

/** What the server allows the client to send: on each stream, and on the connection, which is stream 0. */
export class SendWindows {
  readonly #left = new Map<number, number>([[0, 65_535]])
  #initial = 65_535

  open(stream: number): void {
    this.#left.set(stream, this.#initial)
  }

  left(stream: number): number {
    return Math.min(this.#left.get(0) ?? 0, this.#left.get(stream) ?? 0)
  }

  spend(stream: number, bytes: number): void {
    for (const one of [0, stream]) this.grow(one, -bytes)
  }

  grow(stream: number, bytes: number): void {
    this.#left.set(stream, (this.#left.get(stream) ?? 0) + bytes)
  }

  /** SETTINGS_INITIAL_WINDOW_SIZE also changes the windows of open streams. */
  resize(initial: number | undefined): void {
    if (initial === undefined) return
    for (const stream of this.#left.keys()) if (stream !== 0) this.grow(stream, initial - this.#initial)
    this.#initial = initial
  }
}
