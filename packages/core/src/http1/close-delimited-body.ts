import { attempt } from '../events/error-boundary.js'
import { reset } from './close.js'
import type { Connection } from './connection.js'

/**
 * The connections on which a body is sent that ends with the connection. If the process exits in the middle of one, the kernel would send a FIN, and
 * half of the body would look whole. So these connections are reset at exit. A process that is killed has no time for that.
 */
export class CloseDelimitedBodies {
  readonly #open = new Set<Connection>()

  add(connection: Connection): void {
    if (this.#open.size === 0) process.on('exit', this.#reset)
    this.#open.add(connection)
  }

  delete(connection: Connection): void {
    if (this.#open.delete(connection) && this.#open.size === 0) process.off('exit', this.#reset)
  }

  readonly #reset = (): void => {
    for (const connection of this.#open) if (!isWithKernel(connection)) attempt(connection, resetNow)
  }
}

function resetNow(connection: Connection): void {
  connection.released = true
  reset(connection)
}

/** Whether the kernel has the whole body, so that nothing of it is lost with the process. */
function isWithKernel({ current, socket, raw }: Connection): boolean {
  return current?.res.writableEnded === true && socket.writableLength === 0 && (raw?.writableLength ?? 0) === 0
}
