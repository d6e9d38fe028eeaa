import { connectionsOf } from '../handle/connections-of.js'
import { openServers } from '../node/server-fields.js'
import type { Connections } from '../types.js'
import type { Participant } from './signal-participant.js'

/**
 * Handles that govern open servers of this process and leave with none of `participants`: those of `attach`, and of applications without `signals`. The
 * process ends when its participants have left, and would cut the requests of these servers silently.
 */
export function findOtherHandles(participants: Iterable<Participant>): readonly Participant[] {
  const known = [...participants]
  const handles = new Set<Connections>()
  for (const server of openServers()) {
    const handle = connectionsOf(server)
    if (handle !== undefined && !known.some((participant) => participant.governs?.(handle))) handles.add(handle)
  }
  return [...handles].map(participantOf)
}

function participantOf(handle: Connections): Participant {
  const open = (): number => Object.values(handle.stats().open).reduce((sum, count) => sum + count, 0)
  const { cut } = handle.stats().requests
  return {
    name: 'another governed server',
    // If it drains already, this waits for that drain.
    leave: async ({ reason }) => (await handle.drain({ reason })).clean,
    progress: () => `${open()} open, ${Math.round(handle.remaining())} ms before its deadline`,
    warn: (message, code = 'HALFCLOSE_CLOSE_FAILED') => process.emitWarning(message, { type: 'HalfcloseWarning', code }),
    hasCut: () => handle.stats().requests.cut > cut,
    isOpen: () => open() > 0,
    isDrained: () => handle.state === 'drained',
    governs: (other) => other === handle,
    remaining: () => handle.remaining(),
  }
}
