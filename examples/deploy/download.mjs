import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { PIECE, PIECE_EVERY, PIECES } from './settings.mjs'

/** A body that takes its time, as a report or a film does. */
export function download() {
  return Readable.from(pieces(), { objectMode: false })
}

async function* pieces() {
  for (let piece = 0; piece < PIECES; piece++) {
    if (piece > 0) await sleep(PIECE_EVERY)
    yield PIECE
  }
}
