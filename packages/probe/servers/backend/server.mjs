// The application behind servers that run none: a slow path, and an answer without an end.
import { createServer } from 'node:http'

createServer((request, response) => {
  const url = new URL(request.url, 'http://backend')
  if (url.pathname === '/slow') setTimeout(() => response.end('slow\n'), Number(url.searchParams.get('ms')))
  else if (url.pathname === '/stream') {
    const timer = setInterval(() => response.write('tick\n'), 100)
    response.on('close', () => clearInterval(timer))
  } else response.end('hello\n'.repeat(100))
}).listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listening'))
