import type { IncomingMessage, ServerResponse } from 'node:http'

type Handle = (this: unknown, req: IncomingMessage, res: ServerResponse, ...rest: unknown[]) => unknown

/**
 * Shows `look` every request of an Express application, until the returned function is called: then the application is as it was before. The
 * application gets a request unless `look` has answered it.
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
    // Other code (an APM) may have wrapped it meanwhile.
    if (Reflect.get(app, 'handle') === watching) Reflect.set(app, 'handle', handle)
  }
}
