import { readFileSync, readlinkSync } from 'node:fs'
import type { Socket } from 'node:net'
import { descriptorOf } from './node-private.js'

/** Where Linux lists its TCP connections, one a line. */
const LISTS = ['/proc/self/net/tcp', '/proc/self/net/tcp6']

interface Row {
  /** Written and not acknowledged by the peer's kernel. */
  readonly unacknowledged: number
  /** Received and not read. */
  readonly unread: number
  /** Local and remote address, as they are printed. */
  readonly ends: string
}

/**
 * How many bytes of what was written to a connection its peer has not taken yet. That the kernel took them says little: it buffers megabytes, and
 * wakes a writer only when a third of them is free. One of these is for one look: it asks the kernel once, and only if somebody asks it.
 */
export class Unacknowledged {
  readonly #lists: readonly string[]
  #rows: ReadonlyMap<string, Row> | undefined
  readonly #unread = new Map<string, number>()

  constructor(lists: readonly string[] = LISTS) {
    this.#lists = lists
  }

  /** `undefined`: nobody can tell (another system, no /proc, a unix domain socket). */
  of({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): number | undefined {
    const inode = inodeOf(raw ?? socket)
    if (inode === undefined) return undefined
    this.#rows ??= this.#read()
    const row = this.#rows.get(inode)
    if (row === undefined) return undefined
    // A peer on this machine: what it has not read is listed, too, with the two addresses the other way round.
    return row.unacknowledged + (this.#unread.get(swap(row.ends)) ?? 0)
  }

  #read(): ReadonlyMap<string, Row> {
    const rows = new Map<string, Row>()
    for (const list of this.#lists) {
      for (const line of textOf(list).split('\n')) {
        // sl local remote state tx:rx timer:when retransmits uid timeout inode
        const [, local, remote, , queues, , , , , inode] = line.trimStart().split(/\s+/, 10)
        const [unacknowledged, unread] = (queues ?? '').split(':').map((hex) => Number.parseInt(hex, 16))
        if (inode === undefined || unacknowledged === undefined || unread === undefined || Number.isNaN(unread)) continue
        const ends = `${local} ${remote}`
        rows.set(inode, { unacknowledged, unread, ends })
        if (unread > 0) this.#unread.set(ends, unread)
      }
    }
    return rows
  }
}

function swap(ends: string): string {
  return ends.split(' ').reverse().join(' ')
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
