import { ServerResponse } from 'node:http'
import { patchedResponse, put } from '../node/patched-methods.js'
import { nextTick } from '../node/real-timers.js'
import type { Exchange } from './connection.js'
import { end, write } from './response-body.js'
import { writeHead } from './response-head.js'

// The methods of a governed response: writeHead, write and end are replaced.

/** Node's own methods, unless they were replaced before this package was loaded. */
const { writeHead: nodeWriteHead, write: nodeWrite, end: nodeEnd } = ServerResponse.prototype

/** Puts our methods on a response. */
export function takeOverResponse(exchange: Exchange, res: ServerResponse): void {
  if (res.writeHead !== nodeWriteHead || res.end !== nodeEnd || res.write !== nodeWrite) {
    exchange.patched = patchedResponse(res)
    if (exchange.patched !== undefined) {
      putOver(res)
      return
    }
  }
  // One by one: Object.assign costs as much as all else here.
  res.writeHead = writeHead
  res.write = write
  res.end = end
  if (hasAlias(res)) res.writeHeader = writeHead
}

function putOver(res: ServerResponse): void {
  put(res, 'writeHead', writeHead)
  put(res, 'write', write)
  put(res, 'end', end)
  if (hasAlias(res)) put(res, 'writeHeader', writeHead)
}

/** Replaces the methods that send an interim response: it writes nothing, and calls the callback. */
function skip(...args: readonly unknown[]): void {
  const callback = args.at(-1)
  if (typeof callback === 'function') nextTick(callback)
}

const NO_INTERIM = { writeContinue: skip, writeProcessing: skip, writeEarlyHints: skip, writeInformation: skip }

/** For a client that would take an interim response for the final one. */
export function withoutInterim(res: ServerResponse): void {
  Object.assign(res, NO_INTERIM)
}

/** `writeHeader` is another name for `writeHead` up to Node 25; later only if other code has added it. */
const IS_ALIASED = 'writeHeader' in ServerResponse.prototype

function hasAlias(res: ServerResponse): res is ServerResponse & { writeHeader: ServerResponse['writeHead'] } {
  return IS_ALIASED || 'writeHeader' in res
}
