import type { IncomingMessage, ServerResponse } from 'node:http'

type Handle = (this: unknown, req: IncomingMessage, res: ServerResponse, ...rest: unknown[]) => unknown

/**
 * Shows every request of an Express application to `look`, before the application gets it unless `look` has answered it, until the
 * function returned is called: from then on the application is as it was.
 */
export function watchRequests(app: object, look: (req: IncomingMessage, res: ServerResponse) => boolean): () => void {
  const handle: unknown = Reflect.get(app, 'handle')
  let looking = true
  const watching: Handle = function (req, res, ...rest) {
    if (looking && look(req, res)) return
    if (typeof handle === 'function') Reflect.apply(handle, this, [req, res, ...rest])
  }
  Reflect.set(app, 'handle', watching)
  return () => {
    looking = false
    // Somebody (APM) may have wrapped it meanwhile.
    if (Reflect.get(app, 'handle') === watching) Reflect.set(app, 'handle', handle)
  }
}
