import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { createSchema, createYoga } from 'graphql-yoga'

const yoga = createYoga({
  schema: createSchema({
    typeDefs: 'type Query { hello: String } type Subscription { tick: Int }',
    resolvers: {
      Query: { hello: () => 'world' },
      // A subscription is an event stream: it ends itself when the drain begins.
      Subscription: {
        tick: {
          async *subscribe() {
            let tick = 0
            const left = new Promise((resolve) => connections.signal.addEventListener('abort', resolve))
            while (!connections.signal.aborted) {
              yield { tick: ++tick }
              await Promise.race([left, new Promise((resolve) => setTimeout(resolve, 1_000).unref())])
            }
          },
        },
      },
    },
  }),
  logging: false,
})

const server = createServer((request, response) => {
  console.log(request.method, request.url)
  yoga(request, response)
})
const connections = attach(server)

process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  await yoga.dispose()
  process.exit(report.clean ? 0 : 1)
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening on port', server.address().port))
