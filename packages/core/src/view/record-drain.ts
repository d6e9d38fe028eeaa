import { optionTypeError } from '../errors/errors.js'
import { clearInterval, setInterval } from '../node/real-timers.js'
import { duration, section } from '../options/rules.js'
import type { Connections, StateEvent } from '../types.js'
import type { DrainRecord } from './drain-record.js'
import { Timeline } from './timeline.js'

/** Options of {@link recordDrain}. */
export interface RecordOptions {
  /** The heading of the record. Default: the reason of the drain. */
  title?: string | undefined
  /** Milliseconds between two looks at the connections; default 100. */
  every?: number | undefined
}

/**
 * Records what a drain of a handle does to its connections: the one under way, or the next one; resolves when it is over. At most 200 connections have a lane. Until the
 * drain begins nothing is recorded, and nothing of it keeps the process alive. `renderDrain(record)` makes a page of it. Throws `HALFCLOSE_OPTION_…` for a wrong option.
 */
export function recordDrain(connections: Connections, options?: RecordOptions): Promise<DrainRecord> {
  const fields = section(options, 'recordDrain', 'an object such as { every: 100 }', ['title', 'every'])
  const every = duration(fields.every, 'recordDrain.every') ?? 100
  const { title } = fields
  if (title !== undefined && typeof title !== 'string') throw optionTypeError('recordDrain.title', 'a string', title)
  return new Promise((resolve) => {
    const timeline = new Timeline(connections)
    let before = connections.stats()
    let timer: NodeJS.Timeout | undefined
    let began = 0
    let why = ''
    const begin = (reason: string) => {
      began = Date.now()
      why = reason
      before = connections.stats()
      timeline.watch()
      timeline.look()
      timer = setInterval(() => timeline.look(), every).unref()
    }
    const finish = () => {
      clearInterval(timer)
      connections.off('state', onState)
      timeline.look()
      const { requests, connections: ended } = connections.stats()
      const finished = requests.finished - before.requests.finished
      const cut = requests.cut - before.requests.cut
      const closed = ended.closed - before.connections.closed
      const took = ((Date.now() - began) / 1_000).toFixed(1)
      const summary = `drained in ${took} s (${why}): ${finished} requests answered, ${cut} cut; ${closed} connections closed`
      const record = timeline.record(title ?? why, summary, Date.now() - began)
      timeline.unwatch()
      resolve(record)
    }
    const onState = (event: StateEvent): void => {
      timeline.mark(event)
      if (event.state === 'drained') finish()
      else if (event.state === 'leaving') begin(event.reason)
    }
    connections.on('state', onState)
    if (connections.state === 'leaving' || connections.state === 'draining') begin('drain')
  })
}
