/**
 * What a service writes down from SIGTERM on, for the runs where something was lost: the requests it ran, its connections, its log.
 * Written to a file when the process exits.
 */
import { writeFileSync } from 'node:fs'

/**
 * @typedef {object} Entry
 * @property {number} pid
 * @property {number} stoppedAt SIGTERM
 * @property {number} listenedUntil when the listener closed, to some milliseconds
 * @property {number} exitedAt
 * @property {[id: string, at: number, remotePort: number][]} requests that were handed to the application
 * @property {string[]} log
 */

/** @type {Entry} */
const entry = { pid: process.pid, stoppedAt: 0, listenedUntil: 0, exitedAt: 0, requests: [], log: [] }

process.prependListener('SIGTERM', () => {
  entry.stoppedAt ||= Date.now()
})
// Ctrl-C is for the runner to answer; without it there is nothing to serve for.
process.once('disconnect', () => process.exit(1))
// It keeps nothing alive: a service that has drained has come to its end.
process.channel?.unref()

/** @param {string} file */
export function keepJournal(file) {
  process.once('exit', () => {
    entry.exitedAt = Date.now()
    writeFileSync(file, JSON.stringify(entry))
  })
}

/** @param {import('node:net').Server} server */
export function noteListener(server) {
  process.prependListener('SIGTERM', () => {
    const timer = setInterval(() => {
      if (server.listening) entry.listenedUntil = Date.now()
      else clearInterval(timer)
    }, 2)
    timer.unref()
  })
}

/** @param {string} id @param {{ socket: { remotePort?: number | undefined } }} request */
export function noteRequest(id, request) {
  if (entry.stoppedAt > 0) entry.requests.push([id, Date.now(), request.socket.remotePort ?? 0])
}

/** Pino-shaped. */
export const logger = {
  /** @param {unknown} _fields @param {string} line */
  info: (_fields, line) => void entry.log.push(`${Date.now()} ${line}`),
  /** @param {unknown} _fields @param {string} line */
  warn(_fields, line) {
    entry.log.push(`${Date.now()} WARNING ${line}`)
    console.error(`a backend warns: ${line}`)
  },
}
