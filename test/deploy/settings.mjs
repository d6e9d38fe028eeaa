/** What is the same for every column of the table, and how long it takes. */

export const proxies = /** @type {const} */ (['haproxy', 'nginx'])
export const frameworks = /** @type {const} */ (['express', 'fastify'])
export const policies = /** @type {const} */ (['bare', 'halfclose'])
/** own: each process binds its port anew. shared: its parent holds the listening socket, which so outlives every process. */
export const listeners = /** @type {const} */ (['own', 'shared'])
/** What the proxy speaks to the backends, without TLS. Its clients speak HTTP/1.1 always. */
export const protocols = /** @type {const} */ (['h1', 'h2'])

/** @typedef {typeof proxies[number]} ProxyName */
/** @typedef {typeof frameworks[number]} Framework */
/** @typedef {typeof policies[number]} Policy */
/** @typedef {typeof listeners[number]} Listener */
/** @typedef {typeof protocols[number]} Protocol */
/** @typedef {{ proxy: ProxyName, framework: Framework, protocol: Protocol }} Setup */
/**
 * @typedef {object} Mode
 * @property {number} restarts of each column, half of them for each of its two backends
 * @property {number} requests at least so many are sent: the load goes on until they are
 * @property {number} load so many times the usual number of clients
 * @property {number} timeout keep-alive promised by halfclose; a bare server keeps idle connections that long
 * @property {number} delay `drain.delay` where there is a readiness check
 * @property {number} deadline of a drain
 * @property {number} kill a bare process that is not done this long after SIGTERM ends itself
 * @property {{ every: number, fall: number, rise: number }} check HAProxy's health check
 */

/** @type {Record<'full' | 'short', Mode>} */
export const modes = {
  full: {
    restarts: 20,
    requests: 100_000,
    load: 1,
    timeout: 5_000,
    delay: 5_000,
    deadline: 20_000,
    kill: 10_000,
    check: { every: 1_000, fall: 2, rise: 2 },
  },
  short: {
    restarts: 2,
    requests: 1_000,
    load: 1,
    timeout: 2_000,
    delay: 1_500,
    deadline: 10_000,
    kill: 5_000,
    check: { every: 250, fall: 2, rise: 2 },
  },
}

/** Kept by halfclose, unadvertised: longer than the 60 s for which nginx keeps an idle connection to a backend. */
export const HOLD = 65_000
/** A process that is still there this long after its own deadline gets SIGKILL. */
export const GRACE = 5_000
export const START_WITHIN = 15_000
/** Load before the first restart and after the last one. */
export const WARM_UP = 2_000
/** Between two restarts. */
export const PAUSE = 500
/** About what one column's clients send in a second, at a `load` of 1. */
export const RATE = 550

/** nginx 1.22 speaks no HTTP/2 to a backend, and Express none at all. @type {readonly Setup[]} */
export const setups = [
  { proxy: 'haproxy', framework: 'express', protocol: 'h1' },
  { proxy: 'haproxy', framework: 'fastify', protocol: 'h1' },
  { proxy: 'haproxy', framework: 'fastify', protocol: 'h2' },
  { proxy: 'nginx', framework: 'express', protocol: 'h1' },
  { proxy: 'nginx', framework: 'fastify', protocol: 'h1' },
]

/** Which columns run side by side behind a proxy. @type {Record<ProxyName, readonly { policy: Policy, listener: Listener }[]>} */
export const columns = {
  haproxy: [
    { policy: 'bare', listener: 'own' },
    { policy: 'halfclose', listener: 'own' },
  ],
  nginx: [
    { policy: 'bare', listener: 'own' },
    { policy: 'halfclose', listener: 'own' },
    { policy: 'halfclose', listener: 'shared' },
  ],
}

/**
 * About how long one setup takes, in ms. nginx goes on using the connections to a backend that drains, so that they are gone in an
 * instant, save that bare Node keeps them and is used until it is killed. HAProxy leaves them alone: halfclose waits for their promise,
 * save that an HTTP/2 session has none.
 * @param {Setup} setup
 * @param {Mode} mode
 * @param {readonly Policy[]} chosen
 */
export function estimate({ proxy, framework, protocol }, { restarts, requests, load, timeout, delay, check, kill }, chosen) {
  const nginxDrain = framework === 'express' && chosen.includes('bare') ? kill : 500
  const promise = protocol === 'h1' ? timeout + 1_000 : 0
  const drain = proxy === 'haproxy' ? delay + promise + check.rise * check.every : nginxDrain
  return Math.max(restarts * (drain + PAUSE + 700), (requests / (RATE * load)) * 1_000) + 2 * WARM_UP + 2_000
}
