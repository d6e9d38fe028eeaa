import { ServerResponse } from 'node:http'

// Node adds `statusMessage` to a response with the head, which makes it another kind of object for V8: what was looked up before is looked up again. Behind
// a change of its prototype (Express) it is even a kind of its own, made for each response anew, the dearer the more properties it has, ours among
// them. So a response has it from the beginning, undefined as on Node's prototype, unless somebody else has a say in it.

interface Carrier {
  statusMessage?: string | undefined
}

/** A server whose responses are given their `statusMessage` early, or not. */
interface Presets {
  presetsMessage: boolean
}

const NODES_OWN: unknown = ServerResponse.prototype

/** Whether it is as Node has made it, and nobody (APM) has made it an accessor: asked when a server is attached. */
export function isPlainMessage(): boolean {
  return Object.getOwnPropertyDescriptor(ServerResponse.prototype, 'statusMessage')?.writable === true
}

export function presetMessage(server: Presets, res: ServerResponse): void {
  const carrier: Carrier = res
  if (server.presetsMessage && Object.getPrototypeOf(res) === NODES_OWN && carrier.statusMessage === undefined)
    carrier.statusMessage = undefined
}

/**
 * With the head: where the prototype that an application gave the response has one (Express: `app.response.statusMessage`), it counts, and from then on
 * none is set early. Not done: who reads `res.statusMessage` of the first such response before its head sees none, and a setter there whose getter gives
 * undefined is not called.
 */
export function yieldMessage(server: Presets, res: ServerResponse, prototype: object): void {
  const carrier: Carrier = res
  if (prototype === NODES_OWN || !server.presetsMessage || carrier.statusMessage !== undefined) return
  if (Reflect.get(prototype, 'statusMessage', res) === undefined) return
  server.presetsMessage = false
  Reflect.deleteProperty(res, 'statusMessage')
}
