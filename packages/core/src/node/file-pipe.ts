import type { ServerHttp2Stream } from 'node:http2'
import { clearTimeout } from './real-timers.js'
import type { Timers } from './timers.js'

/** Node's pipe from a file to the handle of an HTTP/2 stream. */
interface FilePipe {
  readonly source: object
  isClosed(): boolean
  unpipe(): void
}

/** The longest time that a read of a file may take, in ms. */
const READ = 60_000

/** The key of the handle: the same symbol on every stream. */
let handleKey: symbol | undefined

/** The pipe by which Node sends a file past its stream, while it runs. There is no public way to it. */
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
 * Ends the pipe of a file (`respondWithFile`, `respondWithFD`), before its stream is destroyed. Node leaves the pipe running and writes what it has
 * read to the destroyed stream, which ends the process (SIGSEGV, Node 20 to 26). Node still closes the file itself.
 */
export function endFilePipe(stream: ServerHttp2Stream, timers: Timers): void {
  const pipe = filePipeOf(stream)
  if (pipe === undefined) return
  keepAmidRead(pipe.source, timers)
  pipe.unpipe()
}

/**
 * Keeps the handle of a file alive until a read that may be under way is over: the read reports to the handle, and a handle that was collected ends
 * the process as well. There is no way to ask whether a read is under way.
 */
function keepAmidRead(source: object, timers: Timers): void {
  const kept = timers.arm(READ, () => void source, true)
  Reflect.set(source, 'onread', () => clearTimeout(kept))
}
