import { type Client, type Ending, type Response, until } from '../wire/index.js'

/** What was seen on a connection of HTTP/1, to be judged. */
export interface Seen {
  /** Final answers that came whole. */
  answers: readonly Response[]
  /** Final answers of which at least the head came. */
  heads: readonly Response[]
  /** How the server's output ended, so far. */
  ending: Ending | 'open'
  /** The last that the server said over TLS was close_notify. */
  closeNotify: boolean
  /** What came and is no response. */
  garbage: string
}

export function seen(client: Client): Seen {
  return {
    answers: [...client.answers.list],
    heads: [...client.heads.list],
    ending: client.ending ?? 'open',
    closeNotify: client.closeNotify,
    garbage: client.parser.garbage,
  }
}

/** Waits for so many whole answers, or until the connection has ended. Never fails: what is not there is not there. */
export async function answered(client: Client, count: number, ms: number): Promise<Seen> {
  const there = () => client.answers.list.length >= count || client.ending !== undefined
  await until('answers', there, ms).catch(() => {})
  return seen(client)
}

/** Waits for the end of the connection; true if it came in time. */
export async function ended(client: Client, ms: number): Promise<boolean> {
  const before = client.ending
  if (before !== undefined) return true
  return client.closed(ms).then(
    () => true,
    () => false,
  )
}

/** How the server's end looks, in words. */
export const endingInWords = { open: 'the connection stays open', fin: 'FIN', reset: 'a reset' } as const

export const statuses = (list: readonly Response[]): string => list.map(({ status }) => status).join(', ') || 'no answer'

/** Seconds, for people. */
export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
