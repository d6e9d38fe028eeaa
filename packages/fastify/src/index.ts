import { type AdapterOptions, type Connections, govern, optionTypeError } from '@halfclose/core/adapter'
import type { FastifyBaseLogger, FastifyPluginAsync, FastifyTypeProvider, RawServerBase } from 'fastify'
import fastifyPlugin from 'fastify-plugin'
import { leaveToDrain, loggerOf, requireFastify } from './app.js'

export type * from '@halfclose/core'
export { clientGone, connectionsOf } from '@halfclose/core'

declare module 'fastify' {
  interface FastifyInstance {
    /** The connections of every server of this application, as `@halfclose/fastify` governs them. */
    halfclose: Connections
  }
}

/** Options of {@link halfclose}: those of `attach` in `@halfclose/core`, and three more. Durations are milliseconds. */
export interface HalfcloseFastifyOptions extends AdapterOptions {
  /**
   * With `signals: true`: closes whatever application this Fastify instance is a part of, NestJS for example: `close: () => nest.close()`. Called
   * once on a signal, instead of `app.close()`, which it is to call itself: after every request was answered, so that nobody needs any more what it
   * closes. WebSockets, and what else was handed over to another protocol, may still be open: they have until the drain's deadline. The process exits
   * when it has resolved and the drain is over; a rejection is a warning (`HALFCLOSE_CLOSE_FAILED`) and the exit code 1. There is no time limit but yours.
   * Default: `app.close()`. Anything but a function: `HALFCLOSE_OPTION_TYPE`.
   */
  close?: (() => unknown) | undefined
}

type Plugin = FastifyPluginAsync<HalfcloseFastifyOptions, RawServerBase, FastifyTypeProvider>

/** Fastify hands its own options of `register` on to the plugin. */
const OF_REGISTER = ['prefix', 'logLevel', 'logSerializers']

const plugin: Plugin = async (app, options) => {
  const { server } = app
  const { close } = options
  if (close !== undefined && typeof close !== 'function') {
    throw optionTypeError('close', 'a function that closes the application', close)
  }
  const governed = govern(
    {
      name: 'fastify',
      handler: app.routing,
      alsoKnown: ['close', ...OF_REGISTER],
      logger: loggerOf(app),
      already:
        'halfclose: this Fastify app has a policy already, in whatever scope; register the plugin once, and use `app.halfclose`',
      // Both at once: the hook below finds the drain begun, with the reason it was begun for. An outer application has no such hook, and
      // would close what requests in flight still need.
      close: close === undefined ? () => app.close() : () => governed.connections.answered().then(() => close()),
      adopted: leaveToDrain,
      closing: close === undefined ? '`app.close()` and its `onClose` hooks' : 'the option `close`',
    },
    options,
  )
  const { connections, probes } = governed
  connections.attach(server)
  app.decorate('halfclose', connections)

  // The servers answer them before any hook; `inject` has no server, and goes through the application's hooks.
  for (const { path, answer } of app.prefix === '' ? probes : []) {
    app.get(path, { exposeHeadRoute: true }, async (_request, reply) => {
      const { status, headers, body } = await answer()
      return reply.code(status).headers(headers).send(body)
    })
  }

  // avvio closes last in, first out. Added as late as this, our hook runs before Fastify's own entry, which answers 503 to
  // everything from then on; whoever called close(), and on which scope.
  let ready = false
  app.addHook('onReady', async () => {
    ready = true
    app.addHook('onClose', () => {
      // Resolves after the last onClose hook, until when a signal has to wait. Called here and no later: it forgets earlier errors.
      const release = () => governed.release()
      app.close().then(release, release)
      return connections.answered()
    })
  })
  // Added as early as this, it runs after Fastify has closed its servers; of an application that never became ready, it is all there is.
  app.addHook('onClose', async () => {
    await connections.drain()
    if (!ready) governed.release()
  })
}

/**
 * The plugin: `await app.register(halfclose, options)`, for Fastify 4, 5 and 6 (its alpha), http, https and http2. In whatever scope it is registered, it
 * governs every server of the application, the second one of `localhost` included, and decorates that scope with `app.halfclose`.
 * `app.close()` then drains before it closes anything: nothing that was accepted is answered with 503, and other plugins'
 * `preClose` and `onClose` hooks run as ever.
 *
 * `drain` is `'fast'` where NODE_ENV is `test` or `development`, under `node --watch`, and on Ctrl-C, unless the option says otherwise.
 *
 * Registration fails with `HALFCLOSE_ALREADY_REGISTERED`, `HALFCLOSE_OPTION_…` or `HALFCLOSE_UNSUPPORTED_RUNTIME`.
 */
export const halfclose = fastifyPlugin<HalfcloseFastifyOptions, RawServerBase, FastifyTypeProvider, FastifyBaseLogger, Plugin>(
  (app, options) => {
    requireFastify(app)
    return plugin(app, options)
  },
  { name: '@halfclose/fastify', fastify: '^4.29 || ^5 || ^6.0.0-0' },
)

export default halfclose
