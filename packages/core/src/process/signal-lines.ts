import { isatty } from 'node:tty'

// The lines about signals.

/** How long other listeners may work after everything has left, in ms. */
export const OTHERS_AT_MOST = 5_000

export function othersMessage(reason: string, others: number): string {
  return (
    `halfclose: ${others} other listener${others === 1 ? '' : 's'} of ${reason} in this process. While requests are open they must not ` +
    `call process.exit(), nor close what these need: put that work into \`onDrained\` (Express) or an \`onClose\` hook (Fastify). ` +
    `After the drain they have until the event loop is empty, ${OTHERS_AT_MOST / 1_000} s at most`
  )
}

export function forgivenMessage(reason: string, elapsed: number, left: number): string {
  const next = left > 0 ? `${left} more will be` : 'the next one ends the process'
  return (
    `halfclose: ${reason} again, ${Math.round(elapsed)} ms after the first: taken for that of another listener, since Apollo, terminus and ` +
    `NestJS send it again when they have stopped; ${next}`
  )
}

/** Whether a developer waits at a terminal. */
export function atTerminal(): boolean {
  // Reading process.stdin.isTTY would open the stream.
  return isatty(0) || isatty(1)
}
