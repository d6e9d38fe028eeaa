import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'

// What a socket's handle knows, and what is below TLS: by private fields, each with the reason why there is no public way. test/node-private.test.ts
// fails where a Node version changes one of these fields.

/**
 * The stream that a TLS socket encrypts to: a socket or any other stream. There is no public way to it. Comparing addresses would not do: a front
 * that reads the PROXY protocol overrides those of the raw socket, and a unix domain socket has none. `undefined`: this is no TLS socket, or it is
 * closed already.
 */
export function belowTls(socket: Socket): Duplex | undefined {
  if (!('encrypted' in socket)) return undefined
  const parent: unknown = Reflect.get(socket, '_parent')
  if (parent instanceof Socket) return parent
  // Node wraps a stream without a handle in a socket of its own.
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null) return undefined
  const wrap: unknown = Reflect.get(handle, '_parentWrap')
  const stream: unknown = wrap instanceof Socket ? Reflect.get(wrap, 'stream') : undefined
  return stream instanceof Duplex ? stream : undefined
}

/** The TCP socket (or pipe) below TLS, also where TLS runs within TLS. `undefined`: there is no TLS, or it runs over another kind of stream. */
export function rawBelowTls(socket: Socket): Socket | undefined {
  let raw: Socket | undefined
  for (let below = belowTls(socket); below !== undefined; below = belowTls(raw)) {
    if (!(below instanceof Socket)) return undefined
    raw = below
  }
  return raw
}

/**
 * Whether `resetAndDestroy()` can reset this socket. It throws for anything but TCP (a pipe, TLS, a wrapped stream), and there is no public way to
 * ask before.
 */
export function canReset(socket: Socket): boolean {
  const handle: unknown = Reflect.get(socket, '_handle')
  return typeof handle === 'object' && handle !== null && 'reset' in handle
}

/**
 * Bytes written to a connection that the kernel has taken (`raw`: the socket below TLS). While the number grows, the peer is reading. The public
 * figures do not show the progress of one long write: `bytesWritten` counts it when it begins, and `writableLength` until it has ended.
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
 * Bytes written to a connection that the kernel has not taken: those in libuv's queue, and over TLS those that are encrypted and wait. The
 * `writableLength` of the socket does not count what an HTTP/2 session writes, since a session writes to the handle.
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
 * Writes a few bytes to a TCP socket whose handle belongs to an HTTP/2 session. It writes to the descriptor, and only while the session has nothing
 * queued, so that the bytes stand between two of its writes, which are whole frames. `socket.write` would not do: where it cannot finish at once, the
 * session is told of its end, and Node aborts. `'none'`: the socket is busy, or has no descriptor (Windows).
 */
export function writeBeside(socket: Socket, bytes: Uint8Array): 'all' | 'some' | 'none' {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle) || !('writeQueueSize' in handle)) return 'none'
  const { fd, writeQueueSize } = handle
  if (typeof fd !== 'number' || fd < 0 || writeQueueSize !== 0) return 'none'
  try {
    return writeSync(fd, bytes) === bytes.length ? 'all' : 'some'
  } catch {
    // The kernel's buffer is full, or the connection is gone.
    return 'none'
  }
}

/** The descriptor of a socket, by which the kernel knows it; there is no public way to it. `undefined`: the socket is closed, or this is Windows. */
export function descriptorOf(socket: Socket): number | undefined {
  const handle: unknown = Reflect.get(socket, '_handle')
  if (typeof handle !== 'object' || handle === null || !('fd' in handle)) return undefined
  return typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}

/** A stream that has just been accepted. Its fields are read by name, since V8 does not compile `Reflect.get` inline. */
interface Accepted {
  readonly _handle?: { readonly fd?: unknown } | null
}

/** Like {@link descriptorOf}, but cheap enough for every connection. -1: there is none. */
export function streamDescriptor(stream: object): number {
  const accepted: Accepted = stream
  const fd = accepted._handle?.fd
  return typeof fd === 'number' ? fd : -1
}

/**
 * Whether the kernel no longer has a TCP connection: writing no bytes sends nothing, and fails where it is gone. Always true where there is no
 * descriptor to ask (Windows).
 */
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

/** Whether `resetAndDestroy()` is ending a socket. It calls `destroy()`, which cannot tell otherwise. */
export function isResetting(socket: Socket): boolean {
  return 'resetAndClosing' in socket && socket.resetAndClosing === true
}
