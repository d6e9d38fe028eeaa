// How each package of the comparison is set up: as its own documentation shows it first, each with the same time to stop in.
// Imported where they are used: a process loads one of them.

/** What most applications write by hand, with the usual timer beside it. */
function byHand(close, deadline) {
  process.once('SIGTERM', async () => {
    setTimeout(() => process.exit(1), deadline).unref()
    await close()
    process.exit(0)
  })
}

const closed = (server) => new Promise((resolve) => server.close(resolve))

/** `stop` tells the package of the server; from then on SIGTERM is its. */
export const packages = {
  'bare Node': { stop: (server, { deadline }) => byHand(() => closed(server), deadline) },
  'bare Express': { host: 'express', stop: (server, { deadline }) => byHand(() => closed(server), deadline) },
  "Fastify's close": { host: 'fastify', stop: (server, { deadline }) => byHand(() => server.fastify.close(), deadline) },
  'http-terminator': {
    async stop(server, { deadline }) {
      const { createHttpTerminator } = await import('http-terminator')
      const terminator = createHttpTerminator({ server, gracefulTerminationTimeout: deadline })
      process.once('SIGTERM', () => terminator.terminate().then(() => process.exit(0)))
    },
  },
  terminus: {
    async stop(server, { deadline }) {
      const { createTerminus } = await import('@godaddy/terminus')
      createTerminus(server, { signal: 'SIGTERM', timeout: deadline, useExit0: true })
    },
  },
  stoppable: {
    async stop(server, { deadline }) {
      const { default: stoppable } = await import('stoppable')
      stoppable(server, deadline)
      process.once('SIGTERM', () => server.stop(() => process.exit(0)))
    },
  },
  'close-with-grace': {
    async stop(server, { deadline }) {
      const { default: closeWithGrace } = await import('close-with-grace')
      closeWithGrace({ delay: deadline }, () => closed(server))
    },
  },
  'http-graceful-shutdown': {
    async stop(server, { deadline }) {
      const { default: gracefulShutdown } = await import('http-graceful-shutdown')
      gracefulShutdown(server, { timeout: deadline })
    },
  },
  halfclose: {
    async stop(server, { deadline }) {
      const { attach } = await import('@halfclose/core')
      const connections = attach(server, { drain: { deadline, silent: 1_000 } })
      process.once('SIGTERM', async () => {
        const report = await connections.drain({ reason: 'SIGTERM' })
        process.exitCode = report.clean ? 0 : 1
      })
    },
  },
}

/** Those that leave the connections to Node's own close(). */
export const byNode = new Set(['bare Node', 'bare Express', "Fastify's close", 'close-with-grace'])
