import { equal, match, ok } from 'node:assert/strict'
import type { Client } from './client.js'
import type { Response } from './responses.js'

/** The response says that the connection stays, and makes this promise (default: any). */
export function keeps(answer: Response, promise?: string): void {
  ok(!answer.closes, `says close: ${answer}`)
  if (promise === undefined) return
  match(answer.header('connection') ?? '(no Connection field)', /(^|[\s,])keep-alive([\s,]|$)/i)
  equal(answer.header('keep-alive'), promise)
}

/** The response says that it is the last one, and makes no promise. */
export function closes(answer: Response): void {
  ok(answer.closes, `does not say close: ${answer}`)
  equal(answer.header('keep-alive'), undefined, 'a Keep-Alive field beside close')
}

/** The response says close, and the server then does: output first. */
export async function closesWith(client: Client, answer: Response): Promise<void> {
  closes(answer)
  equal(await client.closed(), 'fin')
  equal(client.parser.garbage, '')
}
