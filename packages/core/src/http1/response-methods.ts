import { ServerResponse } from 'node:http'
import { ownOfResponse, put } from '../node/own-methods.js'
import type { Exchange } from './connection.js'
import { end, write } from './response-body.js'
import { writeHead } from './response-head.js'

/** Node's own, unless they were replaced before we were loaded. */
const { writeHead: nodeWriteHead, write: nodeWrite, end: nodeEnd } = ServerResponse.prototype

/** Puts our methods on a response. */
export function takeOver(exchange: Exchange, res: ServerResponse): void {
  if (res.writeHead !== nodeWriteHead || res.end !== nodeEnd || res.write !== nodeWrite) {
    exchange.own = ownOfResponse(res)
    if (exchange.own !== undefined) {
      putOver(res)
      return
    }
  }
  // One by one: Object.assign costs as much as all the rest.
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

/** In place of an interim response: nothing is written, and who waits for that goes on. */
function skip(...args: readonly unknown[]): void {
  const callback = args.at(-1)
  if (typeof callback === 'function') process.nextTick(callback)
}

const NO_INTERIM = { writeContinue: skip, writeProcessing: skip, writeEarlyHints: skip, writeInformation: skip }

/** For a client that would take an interim response for the final one. */
export function withoutInterim(res: ServerResponse): void {
  Object.assign(res, NO_INTERIM)
}

/** `writeHeader` is another name for `writeHead` until Node 25; later only where somebody has made it one. */
const IS_ALIASED = 'writeHeader' in ServerResponse.prototype

function hasAlias(res: ServerResponse): res is ServerResponse & { writeHeader: ServerResponse['writeHead'] } {
  return IS_ALIASED || 'writeHeader' in res
}
