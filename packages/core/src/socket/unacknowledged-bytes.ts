import { closeSync, openSync, readlinkSync, readSync } from 'node:fs'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setImmediate } from '../node/real-timers.js'
import { bytesTaken, descriptorOf } from '../node/socket-handle.js'
import { TcpList } from './proc-net-tcp.js'
import { type Taken, takenOf } from './slow-reader.js'

/** Where Linux lists its TCP connections, one a line. */
const LISTS = ['/proc/self/net/tcp', '/proc/self/net/tcp6']
/** Milliseconds for which a list that was read is good enough. */
const FRESH = 100
/** Milliseconds before the lists are read again for a connection that they do not have: it may be younger than they are. */
const NEWER = 20
/** The lists are read no more often than in one part of so many of the time: to read 100,000 connections takes the kernel 0.2 s. */
const SHARE = 50
/** But at least so often, in ms: half of the shortest time within which a client must have taken something (WINDOW of slow-reader.ts). */
const OLDEST = 2_500
/** The same for a connection that the lists do not have. */
const NEWER_SHARE = 5
/** Bytes of a list that are read in one turn of the loop: some 400 connections. */
const PIECE = 65_536
const NEWLINE = 0x0a

export interface Ends {
  readonly socket: Socket
  readonly raw: Socket | undefined
}

/**
 * How many bytes written to a connection its peer has not taken yet. That our kernel took them says little: it buffers megabytes, and wakes a writer
 * only when a third of them is free. The kernel's lists have every connection of the machine (of its network namespace), so they are read only when this is asked, and
 * what was read is used for all connections that are asked about soon after.
 */
export class UnacknowledgedBytes {
  readonly #read: () => Iterable<Buffer>
  #list: TcpList | undefined
  #readAt = Number.NEGATIVE_INFINITY
  /** How long it took to read them, in ms. */
  #cost = 0
  readonly #inodes = new WeakMap<Socket, number>()

  /** `read` returns the texts of the lists. */
  constructor(read: () => Iterable<Buffer> = pieces) {
    this.#read = read
  }

  /** `undefined`: there is no such information (another system, no /proc, a unix domain socket). */
  of(ends: Ends): number | undefined {
    return this.#ask(ends, (list, inode) => list.unacknowledged(inode))
  }

  /** The same from lists that were read just now, however long that takes: a client is cut because of them. */
  ofNow({ socket, raw }: Ends): number | undefined {
    const inode = this.#inodeOf(raw ?? socket)
    return inode === undefined ? undefined : this.#listWithin(NEWER).unacknowledged(inode)
  }

  /** Whether the peer takes what it is sent, as far as one look can tell: its kernel has room. False where there is no information. */
  isTaking(ends: Ends): boolean {
    return this.#ask(ends, (list, inode) => list.isTaking(inode)) ?? false
  }

  /** Bytes that this process has not read and behind which the peer's FIN stands; false: there is none; `undefined`: there is no such information. */
  beforeFin(ends: Ends): number | false | undefined {
    return this.#ask(ends, (list, inode) => list.beforeFin(inode))
  }

  /**
   * Prepares for questions about many connections, such as this one: reads the lists if they are too old, one piece in each turn of the loop. To read them at once
   * would block the loop while thousands of clients are waited for.
   */
  prepare({ socket, raw }: Ends, done: () => void): void {
    const isFresh = performance.now() - this.#readAt < this.#goodFor()
    if (isFresh || this.#inodeOf(raw ?? socket) === undefined) done()
    else void this.#readInTurns().then(done, done)
  }

  takenBy(ends: Ends): Taken {
    return takenOf(bytesTaken(ends), this.of(ends))
  }

  #ask<T>({ socket, raw }: Ends, ask: (list: TcpList, inode: number) => T | undefined): T | undefined {
    const inode = this.#inodeOf(raw ?? socket)
    if (inode === undefined) return undefined
    const found = ask(this.#listWithin(this.#goodFor()), inode)
    return found ?? ask(this.#listWithin(this.#newer), inode)
  }

  get #newer(): number {
    return Math.max(NEWER, this.#cost * NEWER_SHARE)
  }

  #goodFor(): number {
    return Math.max(FRESH, this.#newer, Math.min(this.#cost * SHARE, OLDEST))
  }

  /** The lists, as they were at most so many milliseconds ago. */
  #listWithin(ms: number): TcpList {
    const now = performance.now()
    if (this.#list !== undefined && now - this.#readAt < ms) return this.#list
    const list = new TcpList(this.#read())
    return this.#keep(list, performance.now() - now)
  }

  async #readInTurns(): Promise<void> {
    const list = new TcpList([])
    let cost = 0
    let began = performance.now()
    for (const piece of pieces()) {
      list.add(piece)
      cost += performance.now() - began
      await new Promise((resolve) => setImmediate(resolve))
      began = performance.now()
    }
    this.#keep(list, cost)
  }

  #keep(list: TcpList, cost: number): TcpList {
    this.#list = list
    this.#readAt = performance.now()
    this.#cost = cost
    return list
  }

  /** The number by which the kernel's lists name a socket: one that is closed has none. */
  #inodeOf(socket: Socket): number | undefined {
    const descriptor = descriptorOf(socket)
    // A unix domain socket has no address, and is not in these lists.
    if (descriptor === undefined || socket.remoteAddress === undefined) return undefined
    const known = this.#inodes.get(socket)
    if (known !== undefined) return known
    const inode = readInode(descriptor)
    if (inode !== undefined) this.#inodes.set(socket, inode)
    return inode
  }
}

/** The parts of both lists, each of whole lines, and from the second on with the end of the line before them. */
function* pieces(): Iterable<Buffer> {
  for (const path of LISTS) {
    let file: number | undefined
    try {
      file = openSync(path, 'r')
      let rest = Buffer.alloc(0)
      for (let read = -1; read !== 0; ) {
        const piece = Buffer.allocUnsafe(rest.length + PIECE)
        let length = rest.copy(piece)
        // The kernel gives a page at a time.
        while (length < piece.length && read !== 0) length += read = readSync(file, piece, { offset: length })
        const end = piece.lastIndexOf(NEWLINE, length - 1)
        rest = piece.subarray(end, length)
        yield piece.subarray(0, end + 1)
      }
    } catch {
      // There is no such list, or it may not be read.
    } finally {
      if (file !== undefined) closeSync(file)
    }
  }
}

function readInode(descriptor: number): number | undefined {
  try {
    const digits = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/self/fd/${descriptor}`))?.[1]
    return digits === undefined ? undefined : Number(digits)
  } catch {
    return undefined
  }
}
