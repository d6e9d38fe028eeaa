import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'

// Methods that other code has put on a response, a socket or a server before halfclose: an APM on Node's channel `http.server.request.start`, the
// constructor of a response's class, a 'connection' listener. Our methods replace them, and call them where they would call Node's.

/** It is called as a method, since `Reflect.apply` makes an array of the arguments. */
export type Prior<T> = (this: ServerResponse, chunk: unknown, encoding: unknown, callback: unknown) => T

/** The methods of a response that halfclose replaces. */
export interface ResponseMethods {
  readonly writeHead: ServerResponse['writeHead']
  readonly write: Prior<boolean>
  readonly end: Prior<ServerResponse>
}

/** The methods that other code has put on a response. */
export type PatchedResponse = { readonly [K in keyof ResponseMethods]: ResponseMethods[K] | undefined }

/** Node calls `destroy` with null, too. */
interface Destroys {
  destroy(error?: Error | null): Socket
}

/** The methods that other code has put on a socket. */
export interface PatchedSocket {
  readonly setTimeout: Socket['setTimeout'] | undefined
  readonly destroySoon: Socket['destroySoon'] | undefined
  readonly destroy: Destroys['destroy'] | undefined
  readonly push: Socket['push'] | undefined
  readonly _destroy: Socket['_destroy'] | undefined
  readonly end: Socket['end'] | undefined
}

/** The methods that other code has put on the socket below an HTTP/2 session. */
export interface PatchedSessionSocket {
  readonly end: Socket['end'] | undefined
  readonly destroy: Destroys['destroy'] | undefined
  readonly emit: Socket['emit'] | undefined
}

/** The methods of an HTTP/2 stream that halfclose replaces. */
const STREAM_METHODS = ['destroy', 'close', 'respond', 'respondWithFile', 'respondWithFD', 'pushStream'] as const
export type StreamMethod = (typeof STREAM_METHODS)[number]
export type PatchedStream = { readonly [K in StreamMethod]?: ServerHttp2Stream[K] }

export function patchedStream(stream: ServerHttp2Stream): PatchedStream | undefined {
  if (!STREAM_METHODS.some((name) => Object.hasOwn(stream, name))) return undefined
  return Object.fromEntries(STREAM_METHODS.filter((name) => Object.hasOwn(stream, name)).map((name) => [name, stream[name]]))
}

export function patchedResponse(res: ServerResponse): PatchedResponse | undefined {
  const [writeHead, write, end] = [Object.hasOwn(res, 'writeHead'), Object.hasOwn(res, 'write'), Object.hasOwn(res, 'end')]
  if (!writeHead && !write && !end) return undefined
  const methods = bodyMethods(res)
  return {
    writeHead: writeHead ? res.writeHead : undefined,
    write: write ? methods.write : undefined,
    end: end ? methods.end : undefined,
  }
}

function bodyMethods(res: ServerResponse): Pick<ResponseMethods, 'write' | 'end'> {
  return { write: Reflect.get<object, string>(res, 'write'), end: Reflect.get<object, string>(res, 'end') }
}

export function patchedSocket(socket: Socket): PatchedSocket | undefined {
  const patched: PatchedSocket = {
    setTimeout: Object.hasOwn(socket, 'setTimeout') ? socket.setTimeout : undefined,
    destroySoon: Object.hasOwn(socket, 'destroySoon') ? socket.destroySoon : undefined,
    destroy: Object.hasOwn(socket, 'destroy') ? socket.destroy : undefined,
    push: Object.hasOwn(socket, 'push') ? socket.push : undefined,
    _destroy: Object.hasOwn(socket, '_destroy') ? socket._destroy : undefined,
    end: Object.hasOwn(socket, 'end') ? socket.end : undefined,
  }
  return Object.values(patched).some((method) => method !== undefined) ? patched : undefined
}

export function patchedSessionSocket(socket: Socket): PatchedSessionSocket {
  return {
    end: Object.hasOwn(socket, 'end') ? socket.end : undefined,
    destroy: Object.hasOwn(socket, 'destroy') ? socket.destroy : undefined,
    emit: Object.hasOwn(socket, 'emit') ? socket.emit : undefined,
  }
}

/** Calls Node's `destroy`, through the one that other code had put on the socket before ours. */
export function destroyBy(
  patched: Pick<PatchedSocket, 'destroy'> | undefined,
  socket: Socket,
  error: Error | null | undefined,
): void {
  const destroy: Destroys['destroy'] = patched?.destroy ?? Socket.prototype.destroy
  destroy.call(socket, error)
}

/** Puts a method on an object. A property that is neither writable nor configurable stays. */
export function put(target: object, name: string, value: unknown): void {
  const isPut = Reflect.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true })
  if (!isPut) Reflect.set(target, name, value)
}

/** Removes our method and restores the one that was there before. A method that other code has put over ours stays. */
export function takeBack(target: object, name: string, ours: unknown, before: unknown): void {
  if (Object.getOwnPropertyDescriptor(target, name)?.value !== ours) return
  if (before === undefined) Reflect.deleteProperty(target, name)
  else put(target, name, before)
}

/** The method below ours: that of the nearest prototype which has another one. An object made by `Object.create(res)` inherits ours. */
export function below<T extends object, K extends keyof T>(object: T, name: K, ours: unknown): T[K] {
  let prototype: T = Object.getPrototypeOf(object)
  while (prototype[name] === ours) prototype = Object.getPrototypeOf(prototype)
  return prototype[name]
}
