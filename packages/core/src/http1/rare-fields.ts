import type { IncomingMessage } from 'node:http'
import type { CloseReason } from '../events/types.js'
import type { OwnOfSocket } from '../node/own-methods.js'
import type { Timer } from '../node/timers.js'
import type { Upgrade } from '../socket/websocket-output.js'
import type { Waiting } from './waiting-requests.js'

/** What few connections ever need. */
class Extras {
  /** What arrived while another request is being answered. */
  waiting: Waiting[] | undefined = undefined
  /** A `clientError` that waits for the answers before it. */
  failure: Error | undefined = undefined
  /** A request timeout that struck a head which is half sent behind requests that are being answered. */
  late: Error | undefined = undefined
  /** A request that was answered before its body had arrived. */
  unread: IncomingMessage | undefined = undefined
  /** The server does not have its parser in its list. */
  unlisted: boolean = false
  /** One too many: its request is refused. */
  excess: boolean = false
  /** The remote address, where connections are counted by it. */
  client: string | undefined = undefined
  /** Reading is stopped, since requests wait. */
  stopped: boolean = false
  /** Its bytes reach the parser by way of the stream, in pieces. */
  inPieces: boolean = false
  /** While reading is stopped: looks at the client. */
  lookTimer: NodeJS.Timeout | undefined = undefined
  /** Why Node is about to destroy the socket, if it does. */
  blame: CloseReason | undefined = undefined
  /** The peer broke it off: nobody waits for what is still to be answered. */
  byPeer: boolean = false
  /** When it is too old for another request. */
  expiresAt: number = Number.POSITIVE_INFINITY
  /** Bounds an error's late answer, or a request that was held back. */
  timer: Timer | undefined = undefined
  /** It is about to be reset. */
  resetTimer: Timer | undefined = undefined
  /** Bounds the answer that a half-closed client waits for. */
  halfClosedTimer: Timer | undefined = undefined
  /** What an upgraded connection asked for. */
  upgrade: Upgrade | undefined = undefined
  /** destroy() means "linger" while the application answers a malformed request. */
  answering: boolean = false
  /** What others had put on the socket before us. */
  own: OwnOfSocket | undefined = undefined
}

const NONE: Readonly<Extras> = new Extras()

/**
 * The fields of a connection that few connections ever need, as if they were its own. They are kept apart, and made with the first one that
 * is set: in every one of ten thousand idle connections they would cost 130 bytes.
 */
export abstract class Uncommon {
  #extras: Extras | undefined = undefined

  #set<K extends keyof Extras>(name: K, value: Extras[K]): void {
    if (this.#extras === undefined) {
      if (value === NONE[name]) return
      this.#extras = new Extras()
    }
    this.#extras[name] = value
  }

  /** None of them has ever been anything but its default: one question for all. */
  get isCommon(): boolean {
    return this.#extras === undefined
  }

  /** A request begins: what belonged to the one before it is over. */
  beginAnew(): void {
    if (this.#extras === undefined) return
    this.#extras.unread = undefined
    this.#extras.blame = undefined
    this.#extras.timer?.stop()
  }

  clearTimers(): void {
    if (this.#extras === undefined) return
    this.#extras.timer?.stop()
    this.#extras.halfClosedTimer?.stop()
  }

  get waiting(): Extras['waiting'] {
    return (this.#extras ?? NONE).waiting
  }

  set waiting(value: Extras['waiting']) {
    this.#set('waiting', value)
  }

  get failure(): Extras['failure'] {
    return (this.#extras ?? NONE).failure
  }

  set failure(value: Extras['failure']) {
    this.#set('failure', value)
  }

  get late(): Extras['late'] {
    return (this.#extras ?? NONE).late
  }

  set late(value: Extras['late']) {
    this.#set('late', value)
  }

  get unread(): Extras['unread'] {
    return (this.#extras ?? NONE).unread
  }

  set unread(value: Extras['unread']) {
    this.#set('unread', value)
  }

  get unlisted(): Extras['unlisted'] {
    return (this.#extras ?? NONE).unlisted
  }

  set unlisted(value: Extras['unlisted']) {
    this.#set('unlisted', value)
  }

  get excess(): Extras['excess'] {
    return (this.#extras ?? NONE).excess
  }

  set excess(value: Extras['excess']) {
    this.#set('excess', value)
  }

  get client(): Extras['client'] {
    return (this.#extras ?? NONE).client
  }

  set client(value: Extras['client']) {
    this.#set('client', value)
  }

  get stopped(): Extras['stopped'] {
    return (this.#extras ?? NONE).stopped
  }

  set stopped(value: Extras['stopped']) {
    this.#set('stopped', value)
  }

  get inPieces(): Extras['inPieces'] {
    return (this.#extras ?? NONE).inPieces
  }

  set inPieces(value: Extras['inPieces']) {
    this.#set('inPieces', value)
  }

  get resetTimer(): Extras['resetTimer'] {
    return (this.#extras ?? NONE).resetTimer
  }

  set resetTimer(value: Extras['resetTimer']) {
    this.#set('resetTimer', value)
  }

  get lookTimer(): Extras['lookTimer'] {
    return (this.#extras ?? NONE).lookTimer
  }

  set lookTimer(value: Extras['lookTimer']) {
    this.#set('lookTimer', value)
  }

  get blame(): Extras['blame'] {
    return (this.#extras ?? NONE).blame
  }

  set blame(value: Extras['blame']) {
    this.#set('blame', value)
  }

  get byPeer(): Extras['byPeer'] {
    return (this.#extras ?? NONE).byPeer
  }

  set byPeer(value: Extras['byPeer']) {
    this.#set('byPeer', value)
  }

  get expiresAt(): Extras['expiresAt'] {
    return (this.#extras ?? NONE).expiresAt
  }

  set expiresAt(value: Extras['expiresAt']) {
    this.#set('expiresAt', value)
  }

  get timer(): Extras['timer'] {
    return (this.#extras ?? NONE).timer
  }

  set timer(value: Extras['timer']) {
    this.#set('timer', value)
  }

  get halfClosedTimer(): Extras['halfClosedTimer'] {
    return (this.#extras ?? NONE).halfClosedTimer
  }

  set halfClosedTimer(value: Extras['halfClosedTimer']) {
    this.#set('halfClosedTimer', value)
  }

  get upgrade(): Extras['upgrade'] {
    return (this.#extras ?? NONE).upgrade
  }

  set upgrade(value: Extras['upgrade']) {
    this.#set('upgrade', value)
  }

  get answering(): Extras['answering'] {
    return (this.#extras ?? NONE).answering
  }

  set answering(value: Extras['answering']) {
    this.#set('answering', value)
  }

  get own(): Extras['own'] {
    return (this.#extras ?? NONE).own
  }

  set own(value: Extras['own']) {
    this.#set('own', value)
  }
}
