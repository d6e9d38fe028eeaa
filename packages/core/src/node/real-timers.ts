import timers from 'node:timers'

// Node's own timers, as they were when this package was loaded. Tests put others in their place (`jest.useFakeTimers()`, sinon, vitest), which fire when a test says
// so; but connections, clients and the kernel live in real time, and a server that waits for such a timer would never close.

export const { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval } = timers
export const { nextTick } = process
export const { queueMicrotask } = globalThis

/** The longest delay of such a timer, in milliseconds: Node replaces a longer one by 1 ms. */
export const LONGEST_DELAY = 0x7fff_ffff
