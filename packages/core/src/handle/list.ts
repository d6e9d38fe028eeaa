import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { optionRangeError, optionTypeError } from '../errors/errors.js'
import { nearest } from '../errors/spelling.js'
import type { ConnectionState, OpenConnection } from '../events/types.js'
import { Connection } from '../http1/connection.js'
import { Session } from '../http2/session.js'
import { atOnce } from '../node/parser.js'
import { limit, section } from '../options/rules.js'
import { type AnyConnection, allConnections } from '../server/any-connection.js'
import { describeConnection, describeSession, type Held } from '../server/describe-connection.js'
import type { GovernedServer } from '../server/governed-server.js'
import { beginLook, type Look, PeerProgress } from '../server/wait-reason.js'
import { remoteOf } from '../socket/remote-address.js'
import type { ListRequest } from '../types.js'

/** The states, the most interesting first: connections with a request hold a drain. */
const STATES: readonly ConnectionState[] = ['busy', 'closing', 'upgraded', 'lingering', 'silent', 'idle']
/** `closing` ranks like `busy`: both have a request. */
const RANKS: Readonly<Record<ConnectionState, number>> = { busy: 0, closing: 0, upgraded: 1, lingering: 2, silent: 3, idle: 4 }

/** A connection or stream for the list, with what determines its place. */
interface Candidate {
  readonly governed: GovernedServer
  readonly peer: AnyConnection | Duplex
  readonly state: ConnectionState
  /** When its request arrived, or it was last used. */
  readonly since: number
  readonly openedAt: number
}

/** Lists what is open. It keeps only the numbers and byte counts of connections that it has listed before. */
export class Lister {
  readonly #progress = new PeerProgress()
  readonly #ids = new WeakMap<object, number>()
  #lastId = 0

  list(servers: readonly GovernedServer[], request: ListRequest | undefined, lastRequest: number): OpenConnection[] {
    const { most, states } = parse(request)
    const look = beginLook(this.#progress, lastRequest)
    return atOnce(() =>
      servers
        .flatMap((governed) => [...candidates(governed)])
        .filter(({ state }) => states.includes(state))
        .sort((a, b) => RANKS[a.state] - RANKS[b.state] || a.since - b.since)
        .slice(0, most)
        .map((candidate) => this.#describe(candidate, look)),
    )
  }

  #describe({ governed, peer, openedAt }: Candidate, look: Look): OpenConnection {
    const id = this.#ids.get(peer) ?? ++this.#lastId
    this.#ids.set(peer, id)
    const age = Math.max(0, Math.round(look.now - openedAt))
    const { requests, inFlight, promiseLeft, protocol, ...held } = detailsOf(peer, governed, age, look)
    return { id, ...held, protocol, age, requests, inFlight, promiseLeft }
  }
}

type Details = Held & Pick<OpenConnection, 'requests' | 'inFlight' | 'promiseLeft' | 'protocol'>

function detailsOf(peer: Candidate['peer'], governed: GovernedServer, age: number, look: Look): Details {
  if (peer instanceof Connection) {
    const held = describeConnection(peer, look)
    // Rounded down: `lastUsed` may be a part of a millisecond ahead.
    const promiseLeft = held.state === 'idle' ? Math.max(0, Math.floor(peer.promiseUntil - look.now)) : 0
    return { ...held, requests: peer.requests, inFlight: peer.current === undefined ? 0 : 1, promiseLeft, protocol: '1.1' }
  }
  const nothing = { requests: 0, inFlight: 0, promiseLeft: 0 }
  if (peer instanceof Session) {
    let inFlight = 0
    for (const { tunnel } of peer.streams.values()) if (tunnel === false) inFlight++
    // Streams are in the order in which they were opened, so the first has waited longest. A stream that is being answered comes before a tunnel.
    const streams = describeSession(peer, look)
    const at = [...peer.streams.values()].findIndex(({ tunnel }) => tunnel === false)
    const [first] = streams
    const held = streams[at] ?? first
    if (held !== undefined) return { ...held, requests: peer.requests, inFlight, promiseLeft: 0, protocol: '2' }
  }
  const remote = peer instanceof Socket ? remoteOf(peer, governed) : 'unknown'
  const waitsFor = 'the client does not finish its TLS handshake'
  return { ...nothing, remote, protocol: '1.1', state: 'silent', method: undefined, path: undefined, ms: age, waitsFor }
}

function* candidates(governed: GovernedServer): Iterable<Candidate> {
  for (const peer of allConnections(governed.connections, governed.sessions)) {
    const { state, openedAt } = peer
    yield { governed, peer, state, since: sinceOf(peer), openedAt }
  }
  for (const [peer, openedAt] of governed.handshakes) yield { governed, peer, state: 'silent', since: openedAt, openedAt }
}

function sinceOf(peer: AnyConnection): number {
  if (peer instanceof Connection) return peer.current?.arrived ?? peer.lastUsed
  for (const { arrived } of peer.streams.values()) return arrived
  return peer.lastUsed
}

function parse(request: ListRequest | undefined): { most: number | undefined; states: readonly ConnectionState[] } {
  if (request === undefined) return { most: undefined, states: STATES }
  const fields = section(request, 'list', 'an object such as { limit: 20 }', ['limit', 'state'])
  const isCount = (given: number) => Number.isSafeInteger(given) && given >= 1
  const most = limit(fields.limit, 'list.limit', 'an integer of at least 1', isCount)
  return { most: most === false ? undefined : most, states: parseStates(fields.state) }
}

function parseStates(value: unknown): readonly ConnectionState[] {
  if (value === undefined) return STATES
  const wanted: readonly unknown[] = Array.isArray(value) ? value : [value]
  return wanted.map((one) => {
    const rule = `one of ${STATES.map((state) => `'${state}'`).join(', ')}, or an array of them`
    if (typeof one !== 'string') throw optionTypeError('list.state', rule, one)
    const known = STATES.find((state) => state === one)
    if (known !== undefined) return known
    const meant = nearest(one, STATES)
    throw optionRangeError('list.state', rule, one, meant === undefined ? undefined : `did you mean '${meant}'?`)
  })
}
