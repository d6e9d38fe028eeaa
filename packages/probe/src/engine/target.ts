/** The server that is probed. */
export interface Target {
  /** As it was given. */
  url: string
  host: string
  port: number
  tls: boolean
  /** Path and query. */
  path: string
  /** The value of the Host field. */
  authority: string
}

/** Throws an Error with a readable sentence if `text` is no URL that can be probed. */
export function parseTarget(text: string): Target {
  const given = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  if (!URL.canParse(given)) throw new Error(`"${text}" is not a URL. Write one like http://127.0.0.1:3000/`)
  const url = new URL(given)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new Error(`"${text}" is ${url.protocol}//: the probe speaks http:// and https://`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error(
      `The URL has a user name or a password, and the probe sends neither: write ${url.protocol}//${url.host}${url.pathname}`,
    )
  }
  const tls = url.protocol === 'https:'
  return {
    url: url.href.slice(0, url.href.length - url.hash.length),
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (tls ? 443 : 80) : Number(url.port),
    tls,
    path: `${url.pathname}${url.search}`,
    authority: url.host,
  }
}
