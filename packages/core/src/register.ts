/**
 * `node --import @halfclose/core/register app.js`: governs every HTTP server of the process that begins to listen, unless an adapter or `attach` has
 * it. It is for frameworks that make their servers themselves. Signals are on. Options are JSON in the environment variable HALFCLOSE. See
 * docs/register.md.
 */
import { type AdapterOptions, govern, REGISTER } from './adapter/index.js'
import { HalfcloseRangeError, HalfcloseTypeError, optionTypeError } from './errors/errors.js'
import { isAttached } from './handle/connections-of.js'
import { queueMicrotask } from './node/real-timers.js'
import { isViewServer } from './node/view-server.js'
import { plainObject } from './options/rules.js'
import { watchListen } from './process/watch-listen.js'
import type { AttachableServer } from './types.js'

/**
 * The watcher of this process, which lives as long as the process. It is in the global registry, since the package may be loaded by --import and
 * --require, and from two copies.
 */
const REGISTERED = Symbol.for('halfclose.registered')

function governEvery(): void {
  const governed = govern(
    { name: REGISTER, handler: {}, alsoKnown: [], already: 'halfclose: it is registered already', closing: 'nothing' },
    { signals: true, ...optionsFrom(process.env.HALFCLOSE) },
  )
  const watcher = {
    adopt(server: AttachableServer, listening: unknown): void {
      // An adapter that is told of the server after us, or the application itself, may attach it within this tick. No connection is accepted before that.
      queueMicrotask(() => {
        if (isAttached(server)) governed.accompany(server)
        else if (!isViewServer(server)) governed.connections.attach(server, listening)
      })
    },
  }
  watchListen(watcher)
  Object.defineProperty(process, REGISTERED, { value: watcher })
}

function optionsFrom(json: string | undefined): AdapterOptions {
  if (json === undefined || json.trim() === '') return {}
  const given = parsed(json)
  plainObject(given, '', 'an object')
  return given
}

function parsed(json: string): AdapterOptions {
  try {
    return JSON.parse(json)
  } catch {
    throw optionTypeError('', 'JSON such as {"drain":{"deadline":20000}}', json)
  }
}

/** Called by `dist/register` when it is loaded; it takes effect once per process. */
export function register(): void {
  if (REGISTERED in process) return
  try {
    governEvery()
  } catch (error) {
    throw named(error)
  }
}

/** Names the environment variable: the error about an option alone does not tell where the option came from. */
function named(error: unknown): unknown {
  const isOurs = error instanceof HalfcloseTypeError || error instanceof HalfcloseRangeError
  if (!isOurs || !error.code.startsWith('HALFCLOSE_OPTION_')) return error
  const { code, message, path, value } = error
  const said = `${message} (in the environment variable HALFCLOSE)`
  return error instanceof HalfcloseTypeError
    ? new HalfcloseTypeError(code, said, { path, value })
    : new HalfcloseRangeError(code, said, { path, value })
}
