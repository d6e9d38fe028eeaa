import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

// `behind`: an idle connection is kept longer than nginx keeps it. No `readiness` and no delay: nginx asks no readiness route.
halfclose(app, { behind: 'nginx', signals: true })

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post(['/echo', '/uploads'], express.json(), (request, response) => response.json(request.body))

const server = app.listen(Number(process.env.PORT ?? 3001), process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})
