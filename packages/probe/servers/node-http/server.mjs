import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://server')
  if (url.pathname === '/slow') setTimeout(() => response.end('slow\n'), Number(url.searchParams.get('ms')))
  else if (url.pathname === '/stream') {
    const timer = setInterval(() => response.write('tick\n'), 100)
    response.on('close', () => clearInterval(timer))
  } else response.end('hello\n'.repeat(100))
})
process.once('SIGTERM', () => server.close())
server.listen(Number(process.argv[2]), '127.0.0.1')
