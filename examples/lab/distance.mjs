/**
 * Puts so many ms between the clients and a server, each way: loopback has no distance of its own. A proxy in user space, so
 * what the kernel does (slow start, delayed ACK) still happens without a distance. The handshake is the kernel's too, and over in no
 * time, so it is imitated: what a client writes leaves it a round trip after it connected, and the server sees the
 * connection half a round trip after. Bytes, FIN and reset keep their order.
 */
import { once } from 'node:events'
import net from 'node:net'

/**
 * @param {number} port of the server
 * @param {number} oneWay ms
 * @returns {Promise<{ port: number, stop: () => void }>}
 */
export async function distance(port, oneWay) {
  /** @type {Set<net.Socket>} */
  const open = new Set()
  const proxy = net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const connectedAt = performance.now() + 2 * oneWay
    const far = new net.Socket({ allowHalfOpen: true })
    far.setNoDelay(true)
    for (const socket of [near, far]) {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    }
    setTimeout(() => far.connect(port, '127.0.0.1'), oneWay)
    carry(near, far, () => Math.max(performance.now(), connectedAt) + oneWay)
    carry(far, near, () => performance.now() + oneWay)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    port: /** @type {net.AddressInfo} */ (proxy.address()).port,
    stop: () => {
      proxy.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** @param {net.Socket} from @param {net.Socket} to @param {() => number} arrival when what happens now is seen at the other end */
function carry(from, to, arrival) {
  /** @type {{ at: number, task: () => void }[]} */
  const underway = []
  const deliver = () => {
    // A timer may be up to 1 ms early.
    while (underway[0] && underway[0].at <= performance.now() + 0.5) underway.shift()?.task()
    if (underway[0]) setTimeout(deliver, underway[0].at - performance.now())
  }
  /** @param {() => void} task */
  const later = (task) => {
    underway.push({ at: arrival(), task })
    if (underway.length === 1) setTimeout(deliver, underway[0] ? underway[0].at - performance.now() : 0)
  }
  from.on('data', (chunk) => later(() => to.write(chunk)))
  from.once('end', () => later(() => to.end()))
  from.once('error', () => later(() => to.resetAndDestroy()))
}
