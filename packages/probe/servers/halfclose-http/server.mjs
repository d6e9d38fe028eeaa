import { createServer } from 'node:http'
import { attach } from '@halfclose/core'

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://server')
  if (url.pathname === '/slow') setTimeout(() => response.end('slow\n'), Number(url.searchParams.get('ms')))
  else if (url.pathname === '/stream') {
    const end = () => {
      clearInterval(timer)
      response.end()
    }
    const timer = setInterval(() => response.write('tick\n'), 100)
    connections.signal.addEventListener('abort', end)
    response.on('close', end)
  } else response.end('hello\n'.repeat(100))
})
const connections = attach(server)
process.once('SIGTERM', () => connections.drain({ reason: 'SIGTERM' }))
server.listen(Number(process.argv[2]), '127.0.0.1')
