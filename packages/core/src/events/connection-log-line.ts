import type { CloseEvent, CloseReason } from './types.js'

/**
 * The line of the log for a connection that has ended: `10.2.0.7:51544 http/1.1 tls1.3 127.4s 38req 14kB/402kB idle first=server cI-k`.
 * docs/connection-log.md says what the letters mean.
 */
export function connectionLogLine(event: CloseEvent): string {
  const { remote, protocol, tls, ms, requests, bytes, reason, first } = event
  return [
    // `a unix domain socket` becomes one word here, and an address that a front has replaced cannot break the line.
    remote.replaceAll(/[^\x21-\x7e]+/g, '-'),
    `http/${protocol}`,
    tls === false ? 'tls-' : `tls${tls}`,
    `${(ms / 1_000).toFixed(1)}s`,
    `${requests}req`,
    `${size(bytes.read)}/${size(bytes.written)}`,
    reason,
    `first=${first}`,
    connectionFlags(event),
  ].join(' ')
}

/** What ended the connection, where it was, and what became of its promise: `cI-k`. */
export function connectionFlags(event: CloseEvent): string {
  return `${causeOf(event)}${placeOf(event)}-${PROMISES[event.promise]}`
}

const CAUSES: Readonly<Record<CloseReason, string>> = {
  'client-close': 'C',
  idle: 'c',
  'max-requests': 'P',
  'max-age': 'P',
  http10: 'P',
  'no-keep-alive': 'P',
  draining: 'D',
  deadline: 'K',
  handler: 'A',
  unframed: 'A',
  'content-length': 'A',
  error: 'E',
  timeout: 'c',
  'half-closed': 'c',
  stalled: 'c',
  flood: 'E',
  peer: 'C',
  upgraded: 'A',
  limit: 'L',
  pressure: 'L',
}

const STATES: Readonly<Record<CloseEvent['state'], string>> = {
  silent: 'N',
  busy: 'R',
  idle: 'I',
  closing: 'D',
  lingering: 'L',
  upgraded: 'U',
}

const STAGES = { receiving: 'R', handler: 'H', sending: 'D' } as const
const PROMISES = { kept: 'k', broken: 'B', none: '-' } as const

function causeOf({ reason, first, state, code, reset, inFlight }: CloseEvent): string {
  const isQuiet = state === 'idle' || state === 'silent'
  // The client left in the usual way.
  if (reason === 'client-close' && first === 'peer' && isQuiet && !reset) return '-'
  // The reason for which the connection would have ended later is not what ended it.
  if (first === 'peer' && (reason === 'upgraded' || (reset && inFlight) || code === 'HPE_INVALID_EOF_STATE')) return 'C'
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'c' : CAUSES[reason]
}

function placeOf({ request, state }: CloseEvent): string {
  return request === undefined ? STATES[state] : STAGES[request]
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes}B`
  return bytes < 1_000_000 ? `${Math.round(bytes / 1_000)}kB` : `${(bytes / 1_000_000).toFixed(1)}MB`
}
