import { connectionLogLine } from '../events/connection-log-line.js'
import type { Events } from '../events/events.js'
import type { ConnectionLog } from '../options/types.js'

/** Logs a line for every connection that ends. */
export function logConnections(events: Events, log: ConnectionLog): void {
  events.on('close', (event) => {
    const line = connectionLogLine(event)
    if (typeof log === 'function') log(line, event)
    else events.line(event, line)
  })
}
