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
   * With `signals: true`: closes the application of which this Fastify instance is a part, NestJS for example: `close: () => nest.close()`. It is called once on a
   * signal, instead of `app.close()`, which it has to call itself: after every request was answered, so that no request needs what it closes. WebSockets, and other
   * connections of another protocol, may still be open: they have until the drain's deadline. The process exits when `close` has resolved and the drain is over; a
   * rejection is a warning (`HALFCLOSE_CLOSE_FAILED`) and the exit code 1. halfclose sets no time limit. Default: `app.close()`. Anything but a function:
   * `HALFCLOSE_OPTION_TYPE`.
   */
  close?: (() => unknown) | undefined
}

/** Any server: http, https and http2. */
type AnyPlugin = FastifyPluginAsync<HalfcloseFastifyOptions, RawServerBase, FastifyTypeProvider>
/** NestJS's `app.register()` takes plugins for Fastify's usual server only, and the first type alone is none for the compiler. */
type Plugin = AnyPlugin & FastifyPluginAsync<HalfcloseFastifyOptions>

/** Fastify passes its own options of `register` on to the plugin. */
const OF_REGISTER = ['prefix', 'logLevel', 'logSerializers']

const plugin: AnyPlugin = async (app, options) => {
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
      // Without `close` the drain and app.close() begin together: the hook below finds the drain begun, and its reason. An outer application has no such hook, and
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

  // The servers answer probes before any hook. `inject` has no server, so its probes need these routes.
  for (const { path, answer } of app.prefix === '' ? probes : []) {
    app.get(path, { exposeHeadRoute: true }, async (_request, reply) => {
      const { status, headers, body } = await answer()
      return reply.code(status).headers(headers).send(body)
    })
  }

  // avvio runs its close hooks last in, first out. Added as late as this, ours runs before Fastify's own, after which every request gets 503: no matter which code
  // called close(), and on which scope.
  let ready = false
  app.addHook('onReady', async () => {
    ready = true
    app.addHook('onClose', () => {
      // It resolves after the last onClose hook, for which a signal has to wait. Called no later than this, since it forgets earlier errors.
      const release = () => governed.release()
      app.close().then(release, release)
      return connections.answered()
    })
  })
  // Added as early as this, it runs after Fastify has closed its servers. For an application that never became ready, it is the only hook that runs.
  app.addHook('onClose', async () => {
    await connections.drain()
    if (!ready) governed.release()
  })
}

/**
 * The plugin: `await app.register(halfclose, options)`, for Fastify 4, 5 and 6 (its alpha), http, https and http2. In whatever scope it is registered, it governs
 * every server of the application, the second one of `localhost` included, and decorates that scope with `app.halfclose`. `app.close()` then drains before it closes
 * anything: no accepted request is answered with 503. The `preClose` and `onClose` hooks of other plugins run when the requests have been answered. So an event stream
 * that only a `preClose` hook ends is cut at the drain's deadline: end it when `app.halfclose.signal` aborts.
 *
 * `drain` is `'fast'` if NODE_ENV is `test` or `development`, under `node --watch`, and on Ctrl-C, unless the option says otherwise.
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
