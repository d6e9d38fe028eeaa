import type { AnyRequest } from './messages.js'

/** The path of a request, without its query, which may hold secrets. Express and connect cut what a router is mounted on out of `url`, while its handler runs. */
export function pathOf(req: AnyRequest): string | undefined {
  const original: unknown = Reflect.get(req, 'originalUrl')
  return (typeof original === 'string' ? original : req.url)?.split('?')[0]
}
