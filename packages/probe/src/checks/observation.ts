import type { Scene } from '../engine/scene.js'
import { type Client, type Ending, type Poured, type Response, until } from '../wire/index.js'

/** What was seen on an HTTP/1 connection. */
export interface Observation {
  /** Final answers that are whole. */
  answers: readonly Response[]
  /** Final answers whose head, at least, has arrived. */
  heads: readonly Response[]
  /** How the server's output ended, so far. */
  ending: Ending | 'open'
  /** The last TLS record of the server was close_notify. */
  closeNotify: boolean
  /** Bytes that are no response. */
  garbage: string
  /** One more request was sent behind the last answer: the end may be a reset for that reason alone. */
  more?: boolean
}

export function observe(client: Client): Observation {
  return {
    answers: [...client.answers.list],
    heads: [...client.heads.list],
    ending: client.ending ?? 'open',
    closeNotify: client.closeNotify,
    garbage: client.parser.garbage,
  }
}

/** Waits for this many whole answers, or for the end of the connection. Never fails: the result has what was seen. */
export async function answered(client: Client, count: number, ms: number): Promise<Observation> {
  const there = () => client.answers.list.length >= count || client.ending !== undefined
  await until('answers', there, ms).catch(() => {})
  return observe(client)
}

/** Waits for the end of the connection. Returns whether it came in time. */
export async function ended(client: Client, ms: number): Promise<boolean> {
  const before = client.ending
  if (before !== undefined) return true
  return client.closed(ms).then(
    () => true,
    () => false,
  )
}

/**
 * Reads one answer, and the end that the client then sees. If there is no end soon, one more GET is sent: a connection that the server keeps, and closes
 * when it has been idle for some seconds, answers it.
 */
export async function closed(scene: Scene, request: string): Promise<Observation> {
  const client = await scene.connect()
  void client.send(request)
  await answered(client, 1, scene.bounds.answer)
  const more = !(await ended(client, scene.bounds.quiet)) && client.answers.list.length > 0
  if (more) void client.send(scene.request())
  return { ...(await answered(client, 2, Math.min(scene.bounds.answer, scene.bounds.patience / 2))), more }
}

/** The connection went on behind an answer that should have been the last: the next request was answered as well. */
export const goesOn = ({ heads }: Observation): boolean => heads.length > 1

/** Requests in one piece, for a client that reads no answer. */
const AT_ONCE = 500

/** Stops to read, and sends requests until the server takes no more of them: its answers fill the buffers on the way. */
export function pourUnread(scene: Scene, client: Client): Promise<Poured> {
  client.stream.pause()
  const some = scene.request().repeat(AT_ONCE)
  return client.pour(Buffer.from(some, 'latin1'), scene.bounds.unread, scene.bounds.stall)
}

/** How the server's end looks, in words. */
export const endingInWords = { open: 'the connection stays open', fin: 'FIN', reset: 'a reset' } as const

export const statuses = (list: readonly Response[]): string => list.map(({ status }) => status).join(', ') || 'no answer'

/** Seconds, for people. */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
