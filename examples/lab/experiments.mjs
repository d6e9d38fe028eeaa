import * as handshake from './handshake.mjs'
import * as limits from './limits.mjs'
import * as nagle from './nagle.mjs'
import * as occupancy from './occupancy.mjs'
import * as page from './page.mjs'
import * as ports from './ports.mjs'
import * as slowStart from './slow-start.mjs'
import * as timeWait from './time-wait.mjs'

/**
 * @typedef {{
 *   name: string, about: string,
 *   run: (parameters: Record<string, never>, say: import('./table.mjs').Say) => Promise<import('./table.mjs').Findings>
 * }} Experiment
 */

/** In the order of docs/connections.md. @type {Experiment[]} */
export const experiments = [
  { name: 'page', ...page },
  { name: 'handshake', ...handshake },
  { name: 'slow-start', ...slowStart },
  { name: 'nagle', ...nagle },
  { name: 'time-wait', ...timeWait },
  { name: 'ports', ...ports },
  { name: 'limits', ...limits },
  { name: 'occupancy', ...occupancy },
]
