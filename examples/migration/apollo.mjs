import { ApolloServer } from '@apollo/server'
import { expressMiddleware } from '@as-integrations/express5'
import { halfclose } from '@halfclose/express'
import express from 'express'
import { application, database, listening, port } from './application.mjs'

const apollo = new ApolloServer({
  typeDefs: 'type Query { hello: String }',
  resolvers: { Query: { hello: () => 'world' } },
  stopOnTerminationSignals: false,
})

const app = express()
halfclose(app, {
  signals: true,
  onDrained: async () => {
    await apollo.stop()
    await database.end()
  },
})

await apollo.start()
app.use('/graphql', express.json(), expressMiddleware(apollo))
app.use(application)

const server = app.listen(port, '127.0.0.1', () => listening(server)())
