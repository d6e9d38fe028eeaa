/** A response without a body, as text, where Node offers no response object. */
export function bareHead(status: string, fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: 0\r\nConnection: close\r\n\r\n`
}
