import { ServerResponse } from 'node:http'

// Node adds `statusMessage` to a response when it writes the head. That changes the object's shape, and V8 has to look up its properties anew. After
// the application has changed the prototype (Express), each response gets a shape of its own, which costs more the more properties there are. So a
// response has the property from the beginning, undefined as on Node's prototype, unless other code has replaced it.

interface Carrier {
  statusMessage?: string | undefined
}

/** A server, and whether its responses are given their `statusMessage` early. */
interface Presets {
  presetsMessage: boolean
}

const NODES_OWN: unknown = ServerResponse.prototype

/** Whether `statusMessage` is as Node made it, and no APM has turned it into an accessor. Asked when a server is attached. */
export function isPlainMessage(): boolean {
  return Object.getOwnPropertyDescriptor(ServerResponse.prototype, 'statusMessage')?.writable === true
}

export function presetMessage(server: Presets, res: ServerResponse): void {
  const carrier: Carrier = res
  if (server.presetsMessage && Object.getPrototypeOf(res) === NODES_OWN && carrier.statusMessage === undefined)
    carrier.statusMessage = undefined
}

/**
 * When the head is written: a `statusMessage` on the prototype that the application gave the response (Express: `app.response.statusMessage`) counts,
 * and from then on no response is given one early. Two cases are not covered: code that reads `res.statusMessage` of the first such response before
 * its head sees none, and a setter whose getter returns undefined is not called.
 */
export function yieldMessage(server: Presets, res: ServerResponse, prototype: object): void {
  const carrier: Carrier = res
  if (prototype === NODES_OWN || !server.presetsMessage || carrier.statusMessage !== undefined) return
  if (Reflect.get(prototype, 'statusMessage', res) === undefined) return
  server.presetsMessage = false
  Reflect.deleteProperty(res, 'statusMessage')
}
