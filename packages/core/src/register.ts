/**
 * `node --import @halfclose/core/register app.js`: governs every HTTP server of the process that begins to listen, unless an adapter or `attach` has it: for frameworks
 * that make their servers themselves. Signals are on. Options are JSON in the environment variable HALFCLOSE. docs/register.md.
 */
import { type AdapterOptions, govern, REGISTER } from './adapter/index.js'
import { HalfcloseRangeError, HalfcloseTypeError, optionTypeError } from './errors/errors.js'
import { isAttached } from './handle/attached.js'
import { isViewServer } from './node/view-server.js'
import { plainObject } from './options/rules.js'
import { watchListen } from './process/watch-listen.js'
import type { AttachableServer } from './types.js'

/** The watcher of this process; it lives as long as that. In the global registry: it may be loaded by --import and --require, and from two copies. */
const REGISTERED = Symbol.for('halfclose.registered')

function governEvery(): void {
  const governed = govern(
    { name: REGISTER, handler: {}, alsoKnown: [], already: 'halfclose: it is registered already', closing: 'nothing' },
    { signals: true, ...optionsFrom(process.env.HALFCLOSE) },
  )
  const watcher = {
    adopt(server: AttachableServer, listening: unknown): void {
      // It may be attached in the same breath: by an adapter that is told of it after us, or by hand, after its listen(). No connection is accepted before that.
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

/** Once per process; `dist/register` calls it when it is loaded. */
export function register(): void {
  if (REGISTERED in process) return
  try {
    governEvery()
  } catch (error) {
    throw named(error)
  }
}

/** Nobody sees from an error about an option alone where the option came from. */
function named(error: unknown): unknown {
  const isOurs = error instanceof HalfcloseTypeError || error instanceof HalfcloseRangeError
  if (!isOurs || !error.code.startsWith('HALFCLOSE_OPTION_')) return error
  const { code, message, path, value } = error
  const said = `${message} (in the environment variable HALFCLOSE)`
  return error instanceof HalfcloseTypeError
    ? new HalfcloseTypeError(code, said, { path, value })
    : new HalfcloseRangeError(code, said, { path, value })
}
