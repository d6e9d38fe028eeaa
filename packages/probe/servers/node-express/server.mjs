import express from 'express'

const app = express()
app.all('/slow', (request, response) => setTimeout(() => response.send('slow\n'), Number(request.query.ms)))
app.all('/stream', (_request, response) => {
  const timer = setInterval(() => response.write('tick\n'), 100)
  response.on('close', () => clearInterval(timer))
})
app.all('/', (_request, response) => response.send('hello\n'.repeat(100)))
const server = app.listen(Number(process.argv[2]), '127.0.0.1')
process.once('SIGTERM', () => server.close())
