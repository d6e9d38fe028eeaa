/**
 * A listening socket that outlives the processes which accept from it, as systemd's socket activation has it: the parent holds it and
 * never accepts; every child finds it at fd 3.
 */
import net from 'node:net'

/** @typedef {{ fd: number, close(): void, getsockname(out: { port?: number }): number }} Handle */

/**
 * Bound, and not listened on here: Node would accept from it. The first child's `listen({ fd: 3 })` listens, and it stays so, since that
 * is a property of the socket and not of the process. Node's cluster makes its shared handles by the same function; there is no public one.
 * @param {string} host
 * @param {number} port
 */
export function bindSocket(host, port) {
  /** @type {Handle | number} */
  const handle = Reflect.get(net, '_createServerHandle')(host, port, 4, -1)
  if (typeof handle === 'number') throw new Error(`${host}:${port} cannot be bound (${handle})`)
  /** @type {{ port?: number }} */
  const address = {}
  handle.getsockname(address)
  return { fd: handle.fd, port: address.port ?? 0, close: () => handle.close() }
}
