import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import { halfclose } from '@halfclose/express'
import express from 'express'

const apollo = new ApolloServer({
  typeDefs: 'type Query { hello: String }',
  resolvers: { Query: { hello: () => 'world' } },
  // halfclose listens to the signals, and stops Apollo when nothing is asked any more.
  stopOnTerminationSignals: false,
})
await apollo.start()

const app = express()
halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  onDrained: () => apollo.stop(),
})
app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.use('/graphql', express.json(), expressMiddleware(apollo))

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})
