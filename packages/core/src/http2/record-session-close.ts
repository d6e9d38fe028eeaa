import type { ServerHttp2Stream } from 'node:http2'
import { type CloseRecord, newCloseRecord } from '../events/close-record.js'
import type { RequestStage } from '../events/types.js'
import { IDLE, type Session, type StreamExchange } from './session.js'

/** A session begins to end: like `recordClose` of HTTP/1. A session with streams in flight ends when they do, unless it is cut. */
export function recordSessionClose(session: Session): CloseRecord | undefined {
  if (session.closeRecord === undefined && session.owner.events.hearsClose)
    session.closeRecord = newCloseRecord(session.state, stageOf(session), 'none')
  return session.closeRecord
}

/** Records a stream that was broken off, if it ends the session: a client may reset a stream of a session that goes on. */
export function recordLostStream(session: Session, stream: ServerHttp2Stream, exchange: StreamExchange): void {
  if (!session.http2.destroyed && !session.byPeer && !exchange.cut) return
  const record = recordSessionClose(session)
  if (record !== undefined) record.request = furthest(record.request, stageOfStream(stream, exchange))
}

function stageOf({ streams }: Session): RequestStage | undefined {
  let stage: RequestStage | undefined
  for (const [stream, exchange] of streams) stage = furthest(stage, stageOfStream(stream, exchange))
  return stage
}

/** Whether nghttp2 has not ended its output. Node says at once that a file has ended. Once the stream is destroyed there is no way to tell. */
export function hasOpenOutput(stream: ServerHttp2Stream): boolean {
  const { state, localClose } = stream.state
  return localClose === 0 && state !== IDLE
}

function stageOfStream(stream: ServerHttp2Stream, { tunnel, isFile, isReset }: StreamExchange): RequestStage | undefined {
  const isLost = isReset || (isFile && !stream.destroyed && hasOpenOutput(stream))
  if (tunnel || (stream.writableFinished && stream.sentHeaders !== undefined && !isLost)) return undefined
  if (stream.headersSent) return 'sending'
  return stream.endAfterHeaders || stream.readableEnded ? 'handler' : 'receiving'
}

const ORDER = [undefined, 'receiving', 'handler', 'sending'] as const

function furthest(one: RequestStage | undefined, other: RequestStage | undefined): RequestStage | undefined {
  return ORDER.indexOf(one) > ORDER.indexOf(other) ? one : other
}
