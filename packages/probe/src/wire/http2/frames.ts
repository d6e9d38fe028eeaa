import { FieldDecoder, type Fields } from './hpack.js'

/** The connection preface. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Types of frames (RFC 9113 §6). */
export const NUMBERS = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const
/** Flag of DATA and HEADERS: the last of its stream. */
export const END_STREAM = 0x1
/** Flag of SETTINGS and PING. */
export const ACK = 0x1
/** Flag of HEADERS: no CONTINUATION follows. */
export const END_HEADERS = 0x4
const PADDED = 0x8
const PRIORITY = 0x20

/** Error codes (RFC 9113 §7). */
export const errors = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  STREAM_CLOSED: 5,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  ENHANCE_YOUR_CALM: 11,
} as const

/** Identifiers of settings (RFC 9113 §6.5.2). */
export const settings = { MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5 } as const

/** A received frame; a HEADERS frame includes its CONTINUATION frames. */
export type Frame = { stream: number; flags: number; at: number } & (
  | { type: 'DATA'; data: Buffer; end: boolean; bytes: number }
  | { type: 'HEADERS'; fields: Fields; end: boolean }
  | { type: 'RST_STREAM'; code: number }
  | { type: 'SETTINGS'; ack: boolean; settings: ReadonlyMap<number, number> }
  | { type: 'PING'; ack: boolean; data: Buffer }
  | { type: 'GOAWAY'; last: number; code: number; debug: string }
  | { type: 'WINDOW_UPDATE'; increment: number }
  | { type: 'other'; number: number }
)
/** A frame of this type. */
export type FrameOf<T extends Frame['type']> = Extract<Frame, { type: T }>

/** A frame, as bytes. */
export function frame(type: keyof typeof NUMBERS, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(NUMBERS[type], 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** A SETTINGS frame. */
export function settingsFrame(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const entries = values.map(([id, value]) => Buffer.concat([Buffer.from([0, id]), uint32(value)]))
  return frame('SETTINGS', 0, 0, Buffer.concat(entries))
}

interface Raw {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** Splits the server's bytes into frames, and keeps the state of its header compression. */
export class FrameParser {
  readonly #fields = new FieldDecoder()
  #buffer: Buffer = Buffer.alloc(0)
  /** A field block that is not complete: CONTINUATION frames follow. */
  #open: Raw | undefined

  constructor(private readonly onFrame: (frame: Frame) => void) {}

  /** Takes the next bytes. Throws if a field block is malformed. */
  feed(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
    while (this.#buffer.length >= 9) {
      const length = this.#buffer.readUIntBE(0, 3)
      if (this.#buffer.length < 9 + length) return
      const [type, flags, stream] = [this.#buffer.readUInt8(3), this.#buffer.readUInt8(4), this.#buffer.readUInt32BE(5)]
      const payload = this.#buffer.subarray(9, 9 + length)
      this.#buffer = this.#buffer.subarray(9 + length)
      this.#take({ type, flags, stream: stream & 0x7fffffff, payload })
    }
  }

  #take(raw: Raw): void {
    if (raw.type === NUMBERS.HEADERS || raw.type === NUMBERS.CONTINUATION) {
      const before = this.#open
      const fragment = raw.type === NUMBERS.HEADERS ? unpadded(raw) : raw.payload
      const block = { ...(before ?? raw), payload: Buffer.concat([before?.payload ?? Buffer.alloc(0), fragment]) }
      this.#open = (raw.flags & END_HEADERS) === 0 ? block : undefined
      if (this.#open !== undefined) return
      const { stream, flags } = block
      const fields = this.#fields.decode(block.payload)
      this.onFrame({ type: 'HEADERS', stream, flags, at: Date.now(), fields, end: (flags & END_STREAM) !== 0 })
    } else this.onFrame(parsed(raw))
  }
}

/** The payload without padding and priority. */
function unpadded({ flags, payload }: Raw): Buffer {
  const padding = (flags & PADDED) === 0 ? 0 : payload.readUInt8(0)
  const before = ((flags & PADDED) === 0 ? 0 : 1) + ((flags & PRIORITY) === 0 ? 0 : 5)
  return payload.subarray(before, payload.length - padding)
}

function parsed({ type, flags, stream, payload }: Raw): Frame {
  const common = { stream, flags, at: Date.now() }
  switch (type) {
    case NUMBERS.DATA: {
      const data = unpadded({ type, flags: flags & ~PRIORITY, stream, payload })
      return { ...common, type: 'DATA', data, bytes: payload.length, end: (flags & END_STREAM) !== 0 }
    }
    case NUMBERS.RST_STREAM:
      return { ...common, type: 'RST_STREAM', code: payload.readUInt32BE(0) }
    case NUMBERS.SETTINGS: {
      const values = new Map<number, number>()
      for (let at = 0; at + 6 <= payload.length; at += 6) values.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
      return { ...common, type: 'SETTINGS', ack: (flags & ACK) !== 0, settings: values }
    }
    case NUMBERS.PING:
      return { ...common, type: 'PING', ack: (flags & ACK) !== 0, data: payload }
    case NUMBERS.GOAWAY: {
      const [last, code] = [payload.readUInt32BE(0) & 0x7fffffff, payload.readUInt32BE(4)]
      return { ...common, type: 'GOAWAY', last, code, debug: payload.toString('latin1', 8) }
    }
    case NUMBERS.WINDOW_UPDATE:
      return { ...common, type: 'WINDOW_UPDATE', increment: payload.readUInt32BE(0) & 0x7fffffff }
    default:
      return { ...common, type: 'other', number: type }
  }
}

/** A frame in words, for transcripts. */
export function describeFrame(one: Frame): string {
  const at = `${one.type} on ${one.stream}`
  switch (one.type) {
    case 'DATA':
      return `${at}: ${one.data.length} B${one.end ? ', end' : ''}`
    case 'HEADERS':
      return `${at}: ${one.fields.map(([name, value]) => `${name}=${value}`).join(' ')}${one.end ? ', end' : ''}`
    case 'GOAWAY':
      return `${at}: last stream ${one.last}, code ${one.code} ${one.debug}`
    case 'RST_STREAM':
      return `${at}: code ${one.code}`
    case 'SETTINGS':
      return `${at}: ${one.ack ? 'ack' : [...one.settings].map(([id, value]) => `${id}=${value}`).join(' ')}`
    default:
      return at
  }
}
