import type { Writable } from 'node:stream'
import type { Policy } from '../options/types.js'

const END_OF_HEAD = '\r\n\r\n'
const CLOSE = 8

/** A whole frame: close, code 1001, Going Away (RFC 6455 §7.4.1). Control frames may stand between the frames of a message. */
const GOING_AWAY = Buffer.from([0x80 | CLOSE, 2, 1001 >> 8, 1001 & 0xff])

/**
 * Follows what a server writes to a WebSocket, with any library or as a proxy, to know whether a close frame could stand here. It must see each byte,
 * since a proxy writes pieces of frames.
 */
export class WebSocketOutput {
  /** The response's head so far; `undefined` once it has ended. */
  #head: string | undefined
  /** The head said 101, so this is a WebSocket. */
  #accepted: boolean
  readonly #frame: number[] = []
  /** Bytes of the frame's payload that are still to come. */
  #left = 0
  #closed = false

  /** `hasHead`: a response head comes first, as in HTTP/1.1. */
  constructor(hasHead: boolean) {
    this.#head = hasHead ? '' : undefined
    this.#accepted = !hasHead
  }

  /** Whether a frame has been written in part. */
  get isMidFrame(): boolean {
    return this.#left > 0 || this.#frame.length > 0
  }

  /** The close frame, if it may be written here; otherwise nothing. */
  get farewell(): Uint8Array {
    const fits = this.#accepted && this.#head === undefined && !this.isMidFrame && !this.#closed
    return fits ? GOING_AWAY : GOING_AWAY.subarray(0, 0)
  }

  see(bytes: Uint8Array): void {
    let at = this.#head === undefined ? 0 : this.#seeHead(this.#head, bytes)
    while (this.#accepted && at < bytes.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at)
        this.#left -= taken
        at += taken
      } else this.#seeFrame(bytes[at++] ?? 0)
    }
  }

  /** Returns where the frames begin. */
  #seeHead(before: string, bytes: Uint8Array): number {
    const head = before + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
    const end = head.indexOf(END_OF_HEAD)
    this.#head = end < 0 ? head : undefined
    if (end < 0) return bytes.length
    this.#accepted = /^HTTP\/1\.1 101\b/.test(head)
    return end + END_OF_HEAD.length - before.length
  }

  #seeFrame(byte: number): void {
    const frame = this.#frame
    frame.push(byte)
    const [opcode = 0, length = 0] = frame
    if (frame.length < 2) return
    const short = length & 127
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0
    if (frame.length < 2 + extended + (length >= 128 ? 4 : 0)) return
    this.#left = extended === 0 ? short : frame.slice(2, 2 + extended).reduce((sum, digit) => sum * 256 + digit, 0)
    if ((opcode & 15) === CLOSE) this.#closed = true
    frame.length = 0
  }
}

/** A request that was handed over to another protocol. */
export interface Upgrade {
  readonly method: string | undefined
  readonly url: string | undefined
  /** The Upgrade field. */
  readonly protocol: string | undefined
  /** Follows the output, if this is a WebSocket. */
  readonly output?: WebSocketOutput | undefined
}

/** Shows `output` what is written to a stream. */
function followOutput(stream: Writable, output: WebSocketOutput): void {
  const { write } = stream
  const follow = (chunk: unknown, ...rest: unknown[]): boolean => {
    const [encoding] = rest
    if (chunk instanceof Uint8Array) output.see(chunk)
    else if (typeof chunk === 'string') {
      output.see(Buffer.from(chunk, typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8'))
    }
    return Reflect.apply(write, stream, [chunk, ...rest])
  }
  Object.assign(stream, { write: follow })
}

/** Follows the output of a WebSocket, if a drain may end it before the deadline. */
export function followUpgraded(
  policy: Policy,
  stream: Writable,
  protocol: unknown,
  hasHead: boolean,
): WebSocketOutput | undefined {
  const { upgraded, deadline } = policy.drain
  if (upgraded >= deadline || typeof protocol !== 'string' || protocol.toLowerCase() !== 'websocket') return undefined
  const output = new WebSocketOutput(hasHead)
  followOutput(stream, output)
  return output
}
