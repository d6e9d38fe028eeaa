import type { AddressInfo } from 'node:net'
import { listenAddress } from '../events/listen-address.js'
import { seconds } from '../events/seconds.js'
import type { Policy } from '../options/types.js'

/** `halfclose: listening on 127.0.0.1:3000; keep-alive 5 s promised, 6 s kept; drain 20 s` */
export function policyLine({ keepAlive, drain }: Policy, address: AddressInfo | string | null): string {
  const kept =
    keepAlive === false ? 'no keep-alive' : `keep-alive ${seconds(keepAlive.timeout)} promised, ${seconds(keepAlive.hold)} kept`
  const limit = keepAlive !== false && keepAlive.maxRequests !== false ? `, ${keepAlive.maxRequests} requests each` : ''
  const idle = drain.idle === 'promise' ? 'until its promise is over' : `for ${seconds(drain.idle)}`
  const delay = drain.delay > 0 ? `${seconds(drain.delay)} leaving, then ` : ''
  return `halfclose: listening on ${listenAddress(address)}; ${kept}${limit}; drain: ${delay}idle ${idle}, at most ${seconds(drain.deadline)} in all`
}
