import { readFileSync, readlinkSync } from 'node:fs'
import type { Socket } from 'node:net'
import { bytesTaken, descriptorOf } from '../node/socket-handle.js'
import { type Taken, takenOf } from './stalled-reader.js'

/** Where Linux lists its TCP connections, one a line. */
const LISTS = ['/proc/self/net/tcp', '/proc/self/net/tcp6']
/** How an IPv4 address begins in the list of IPv6 connections. */
const MAPPED = '0000000000000000FFFF0000'

interface Row {
  /** Bytes written that the peer's kernel has not acknowledged. */
  readonly unacknowledged: number
  /** Remote and local address: so they stand in the peer's own row, if the peer is on this machine. */
  readonly seenByPeer: string
  /** The peer's kernel has no room, because the peer does not read: our kernel asks it from time to time (the zero-window probe of `timer`). */
  readonly isWindowShut: boolean
}

interface Ends {
  readonly socket: Socket
  readonly raw: Socket | undefined
}

/**
 * How many bytes written to a connection its peer has not taken yet. That our kernel took them says little: it buffers megabytes, and wakes a writer
 * only when a third of them is free. One object is for one look: it reads the kernel's lists once, and only when it is asked.
 */
export class Unacknowledged {
  readonly #lists: readonly string[]
  #rows: ReadonlyMap<string, Row> | undefined
  readonly #unread = new Map<string, number>()

  constructor(lists: readonly string[] = LISTS) {
    this.#lists = lists
  }

  /** `undefined`: there is no such information (another system, no /proc, a unix domain socket). */
  of(ends: Ends): number | undefined {
    const row = this.#rowOf(ends)
    // If the peer is on this machine, the list shows what it has received and not read, too.
    return row === undefined ? undefined : row.unacknowledged + (this.#unread.get(row.seenByPeer) ?? 0)
  }

  /** Whether the peer takes what it is sent, as far as one look can tell: its kernel has room. False where there is no information. */
  isTaking(ends: Ends): boolean {
    const row = this.#rowOf(ends)
    return row !== undefined && !row.isWindowShut && !this.#unread.has(row.seenByPeer)
  }

  #rowOf({ socket, raw }: Ends): Row | undefined {
    const inode = inodeOf(raw ?? socket)
    if (inode === undefined) return undefined
    this.#rows ??= this.#read()
    return this.#rows.get(inode)
  }

  takenBy(ends: Ends): Taken {
    return takenOf(bytesTaken(ends), this.of(ends))
  }

  #read(): ReadonlyMap<string, Row> {
    const rows = new Map<string, Row>()
    for (const list of this.#lists) {
      for (const line of textOf(list).split('\n')) {
        // sl local remote state tx:rx timer:when retransmits uid timeout inode
        const [, local, remote, , queues, timer, , , , inode] = line.trimStart().split(/\s+/, 10)
        const [unacknowledged, unread] = (queues ?? '').split(':').map((hex) => Number.parseInt(hex, 16))
        if (local === undefined || remote === undefined || inode === undefined) continue
        if (unacknowledged === undefined || unread === undefined || Number.isNaN(unread)) continue
        // A server on `::` has an IPv4 client in the list of IPv6, while the client's own row is in the list of IPv4.
        const [here, there] = [unmapped(local), unmapped(remote)]
        rows.set(inode, { unacknowledged, seenByPeer: `${there} ${here}`, isWindowShut: timer?.startsWith('04') === true })
        if (unread > 0) this.#unread.set(`${here} ${there}`, unread)
      }
    }
    return rows
  }
}

function unmapped(address: string): string {
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
}

function textOf(list: string): string {
  try {
    return readFileSync(list, 'latin1')
  } catch {
    return ''
  }
}

function inodeOf(socket: Socket): string | undefined {
  const descriptor = descriptorOf(socket)
  if (descriptor === undefined) return undefined
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1]
  } catch {
    return undefined
  }
}
