/** A response made by hand, where Node has no response object to offer. */
export function bareHead(status: string, fields = ''): string {
  return `HTTP/1.1 ${status}\r\n${fields}Content-Length: 0\r\nConnection: close\r\n\r\n`
}
