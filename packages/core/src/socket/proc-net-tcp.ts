/*
 * Linux' lists of TCP connections, /proc/net/tcp and /proc/net/tcp6. A line is
 *   sl: local:port remote:port state tx:rx timer:when retransmits uid timeout inode …
 * in columns up to the uid; the last three of these are decimal numbers, all others hexadecimal. A machine may have 100,000 connections. So of each line only
 * the inode is read, and the rest when it is asked for.
 */

const [NEWLINE, SPACE, COLON, ZERO] = [0x0a, 0x20, 0x3a, 0x30]
/** States of a line that is no open connection: TIME_WAIT, LISTEN, NEW_SYN_RECV. They are written with two digits. */
const NO_CONNECTION = ['06', '0A', '0C'].map((state) => Buffer.from(state).readUInt16BE())
/** The state of a connection whose peer has sent FIN (CLOSE_WAIT). */
const PEER_ENDED = '08'
/** The timer of a line whose peer has no room: our kernel asks it from time to time (a zero-window probe). */
const PROBES = '04'
/** How an IPv4 address begins in the list of IPv6 connections. */
const MAPPED = '0000000000000000FFFF0000'
/** Digits of an IPv4 address, of an IPv6 address, of a port and of the length of a queue. */
const [IPV4, IPV6, PORT, QUEUE] = [8, 32, 4, 8]

/** Where the columns of a line begin, counted from its local address. */
interface Columns {
  readonly address: number
  readonly remote: number
  readonly state: number
  readonly sent: number
  readonly received: number
  readonly timer: number
  readonly uid: number
}

function columnsOf(digits: number): Columns {
  const address = digits + 1 + PORT
  const state = 2 * (address + 1)
  const sent = state + 3
  const received = sent + QUEUE + 1
  const timer = received + QUEUE + 1
  return { address, remote: address + 1, state, sent, received, timer, uid: timer + 21 }
}

const COLUMNS = { ipv4: columnsOf(IPV4), ipv6: columnsOf(IPV6) }

interface Line {
  readonly list: Buffer
  readonly columns: Columns
  /** Where its local address begins. */
  readonly at: number
}

/** The connections of both lists, as they were read. */
export class TcpList {
  readonly #lines = new Map<number, Line>()
  /** Bytes that a socket of this machine has received and its program has not read, by its local and remote address. */
  readonly #unread = new Map<string, number>()

  constructor(lists: Iterable<Buffer>) {
    for (const list of lists) this.add(list)
  }

  /** Bytes written that the peer has not taken: its kernel has not acknowledged them, or its program, if it runs on this machine, has not read them. */
  unacknowledged(inode: number): number | undefined {
    const line = this.#lines.get(inode)
    if (line === undefined) return undefined
    return queueAt(line, line.columns.sent) + (this.#unread.get(addressesOf(line, 'remote')) ?? 0)
  }

  /** Whether the peer's kernel has room for what it is sent. */
  isTaking(inode: number): boolean | undefined {
    const line = this.#lines.get(inode)
    if (line === undefined) return undefined
    return textAt(line, line.columns.timer, 2) !== PROBES && !this.#unread.has(addressesOf(line, 'remote'))
  }

  /** Bytes that have arrived before the peer's FIN, and that this process has not read; false: the peer has sent no FIN. */
  beforeFin(inode: number): number | false | undefined {
    const line = this.#lines.get(inode)
    if (line === undefined) return undefined
    if (textAt(line, line.columns.state, 2) !== PEER_ENDED) return false
    // The FIN counts as a byte.
    return Math.max(0, queueAt(line, line.columns.received) - 1)
  }

  /** Adds a list, or a part of one that begins with the end of a line: the first line has the names of the columns. */
  add(list: Buffer): void {
    for (let end = list.indexOf(NEWLINE); end !== -1; ) {
      const at = list.indexOf(COLON, end) + 2
      end = list.indexOf(NEWLINE, end + 1)
      // The list ends here, or it changed its format.
      if (end === -1 || at < 2 || at >= end) return
      const columns = list[at + IPV4] === COLON ? COLUMNS.ipv4 : COLUMNS.ipv6
      if (at + columns.uid >= end || NO_CONNECTION.includes(list.readUInt16BE(at + columns.state))) continue
      const line = { list, columns, at }
      const inode = inodeOf(line, end)
      // The kernel still closes this connection; its program has no socket for it.
      if (inode === 0) continue
      this.#lines.set(inode, line)
      if (!isZeroAt(line, columns.received)) this.#unread.set(addressesOf(line, 'local'), queueAt(line, columns.received))
    }
  }
}

/** The third decimal number from the uid on. */
function inodeOf({ list, columns, at }: Line, end: number): number {
  let from = at + columns.uid
  let number = 0
  for (let numbers = 0; numbers < 3; numbers++) {
    number = 0
    while (list[from] === SPACE && from < end) from++
    for (let byte = list[from]; byte !== undefined && byte >= ZERO && from < end; byte = list[++from])
      number = 10 * number + byte - ZERO
  }
  return number
}

function isZeroAt({ list, at }: Line, column: number): boolean {
  for (let digit = 0; digit < QUEUE; digit++) if (list[at + column + digit] !== ZERO) return false
  return true
}

function textAt({ list, at }: Line, column: number, length: number): string {
  return list.toString('latin1', at + column, at + column + length)
}

function queueAt(line: Line, column: number): number {
  return Number.parseInt(textAt(line, column, QUEUE), 16)
}

/**
 * The addresses of a connection, as the program at that end of it would name them: its own first. A server on `::` has an IPv4 client in the list of IPv6, while the
 * client's own line is in the list of IPv4.
 */
function addressesOf(line: Line, end: 'local' | 'remote'): string {
  const { address, remote } = line.columns
  const [local, other] = [unmapped(textAt(line, 0, address)), unmapped(textAt(line, remote, address))]
  return end === 'local' ? `${local} ${other}` : `${other} ${local}`
}

function unmapped(address: string): string {
  return address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address
}
