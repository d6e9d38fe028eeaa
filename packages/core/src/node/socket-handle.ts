import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'

// What a socket's handle knows, and what is below TLS: by private fields, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one of these fields.

/**
 * What a TLS socket encrypts to: a socket or any other stream. Nothing public tells. Not by addresses: fronts override those of the raw socket, and a
 * unix domain socket has none. `undefined`: it is no TLS socket, or is closed already.
 */
export function belowTls(socket: Socket): Duplex | undefined {
  if (!('encrypted' in socket)) return undefined
  const parent: unknown = Reflect.get(socket, '_parent')
  if (parent instanceof Socket) return parent
  // A stream without a handle is wrapped in a socket of Node's.
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null) return undefined
  const wrap: unknown = Reflect.get(handle, '_parentWrap')
  const stream: unknown = wrap instanceof Socket ? Reflect.get(wrap, 'stream') : undefined
  return stream instanceof Duplex ? stream : undefined
}

/** The TCP socket (or pipe) below TLS, also where TLS runs within TLS. `undefined`: there is no TLS, or it runs over some other stream. */
export function rawBelowTls(socket: Socket): Socket | undefined {
  let raw: Socket | undefined
  for (let below = belowTls(socket); below !== undefined; below = belowTls(raw)) {
    if (!(below instanceof Socket)) return undefined
    raw = below
  }
  return raw
}

/** Whether `resetAndDestroy()` can reset it, which throws for whatever is not TCP (a pipe, TLS, a wrapped stream), and nothing public tells before. */
export function canReset(socket: Socket): boolean {
  const handle: unknown = Reflect.get(socket, '_handle')
  return typeof handle === 'object' && handle !== null && 'reset' in handle
}

/**
 * Bytes that the kernel has taken of what was written to a connection (`raw`: below TLS): while they grow, the peer takes what it is sent.
 * `bytesWritten` counts a write as a whole when it begins, and `writableLength` until it has ended: of one that takes minutes, nothing public
 * tells how far it is.
 */
export function bytesTaken({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): number {
  const handle: unknown = Reflect.get(raw ?? socket, '_handle')
  if (typeof handle === 'object' && handle !== null && 'bytesWritten' in handle && 'writeQueueSize' in handle) {
    const { bytesWritten, writeQueueSize } = handle
    if (typeof bytesWritten === 'number' && typeof writeQueueSize === 'number') return bytesWritten - writeQueueSize
  }
  return socket.bytesWritten - socket.writableLength
}

/**
 * Bytes of a connection that are written and not with the kernel: those that libuv has, and over TLS those that are encrypted and wait for it. An HTTP/2
 * session writes to the handle, past the socket, whose `writableLength` knows nothing of them.
 */
export function bytesQueued({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): number {
  let queued = 0
  for (const one of raw === undefined ? [socket] : [socket, raw]) {
    const handle: unknown = Reflect.get(one, '_handle')
    if (typeof handle !== 'object' || handle === null) continue
    const size: unknown = Reflect.get(handle, 'writeQueueSize')
    if (typeof size === 'number') queued += size
  }
  return queued
}

/**
 * Writes a few bytes to a TCP socket whose handle an HTTP/2 session has taken over: into the kernel, and only while nothing of the session's is
 * queued, so that they come between two of its writes, which are whole frames. Not by `socket.write`: where that does not end at once, its end is
 * told to the session, and Node aborts. `'none'`: the socket is busy, or has no descriptor (Windows).
 */
export function writeBeside(socket: Socket, bytes: Uint8Array): 'all' | 'some' | 'none' {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle) || !('writeQueueSize' in handle)) return 'none'
  const { fd, writeQueueSize } = handle
  if (typeof fd !== 'number' || fd < 0 || writeQueueSize !== 0) return 'none'
  try {
    return writeSync(fd, bytes) === bytes.length ? 'all' : 'some'
  } catch {
    // The kernel's buffer is full, or the connection has gone.
    return 'none'
  }
}

/** The descriptor of a socket: nothing public tells by which one the kernel knows it. `undefined`: it has none (closed, or Windows). */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}

/** A stream that has just been accepted; asked by name, since V8 does not compile `Reflect.get` in place. */
interface Accepted {
  readonly _handle?: { readonly fd?: unknown } | null
}

/** As {@link descriptorOf}, asked for every connection; -1: none. */
export function streamDescriptor(stream: object): number {
  const accepted: Accepted = stream
  const fd = accepted._handle?.fd
  return typeof fd === 'number' ? fd : -1
}

/** Whether the kernel no longer has a TCP connection: a write of nothing sends nothing, and fails there. True where nobody can ask (Windows). */
export function isGone(socket: Socket): boolean {
  const fd = descriptorOf(socket)
  if (fd === undefined) return true
  try {
    writeSync(fd, NOTHING)
    return false
  } catch {
    return true
  }
}

const NOTHING = new Uint8Array(0)

/** Whether `resetAndDestroy()` is what ends a socket: it calls `destroy()`, which cannot tell. */
export function isResetting(socket: Socket): boolean {
  return 'resetAndClosing' in socket && socket.resetAndClosing === true
}
