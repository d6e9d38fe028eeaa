type Lines = readonly string[]

const head = (method: string, path: string, version: string, lines: Lines): string =>
  `${[`${method} ${path} HTTP/${version}`, ...lines].join('\r\n')}\r\n\r\n`

/** A GET request with a Host. */
export const get = (path: string, ...lines: Lines): string => head('GET', path, '1.1', ['Host: a', ...lines])

/** A request of an HTTP/1.0 client, without Host, as old clients send it. */
export const get10 = (path: string, ...lines: Lines): string => head('GET', path, '1.0', lines)

/** A request without a body. */
export const ask = (method: string, path: string, ...lines: Lines): string => head(method, path, '1.1', ['Host: a', ...lines])

/** The head of a POST with a Content-Length of `length`; the body is the caller's. */
export const postHead = (path: string, length: number, ...lines: Lines): string =>
  head('POST', path, '1.1', ['Host: a', 'Content-Type: application/octet-stream', `Content-Length: ${length}`, ...lines])

/** A POST request with its body. */
export const post = (path: string, body: string, ...lines: Lines): string => postHead(path, body.length, ...lines) + body

/** Several requests in a row. */
export const pipeline = (...requests: string[]): string => requests.join('')
