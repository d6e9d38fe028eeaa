import type { ServerHttp2Stream } from 'node:http2'
import type { Timers } from './timers.js'

/** Node's pipe from a file to the handle of an HTTP/2 stream. */
interface FilePipe {
  readonly source: object
  isClosed(): boolean
  unpipe(): void
}

/** How long a read of a file may take, in ms. */
const READ = 60_000

/** The same on every stream. */
let handleKey: symbol | undefined

/** The pipe by which Node sends a file past its stream, while it runs. Nothing public leads to it. */
export function filePipeOf(stream: ServerHttp2Stream): FilePipe | undefined {
  handleKey ??= Object.getOwnPropertySymbols(stream).find(({ description }) => description === 'kHandle')
  const handle: unknown = handleKey === undefined ? undefined : Reflect.get(stream, handleKey)
  const pipe: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'pipeSource') : undefined
  return isFilePipe(pipe) && !pipe.isClosed() ? pipe : undefined
}

function isFilePipe(value: unknown): value is FilePipe {
  if (typeof value !== 'object' || value === null || !('unpipe' in value) || !('isClosed' in value)) return false
  return 'source' in value && typeof value.source === 'object' && value.source !== null
}

/**
 * Ends the pipe of a file (`respondWithFile`, `respondWithFD`). To be called before its stream is destroyed: Node leaves the pipe running, and writes what
 * it reads behind that to a stream that has gone, which ends the process (SIGSEGV, Node 20 to 26). Node closes the file as ever.
 */
export function endFilePipe(stream: ServerHttp2Stream, timers: Timers): void {
  const pipe = filePipeOf(stream)
  if (pipe === undefined) return
  keepAmidRead(pipe.source, timers)
  pipe.unpipe()
}

/**
 * Keeps a file's handle from being collected amid a read, which is told to the handle when it is done: that ends the process as well. Whether a read is
 * under way nobody can ask.
 */
function keepAmidRead(source: object, timers: Timers): void {
  const kept = timers.arm(READ, () => void source, true)
  Reflect.set(source, 'onread', () => clearTimeout(kept))
}
