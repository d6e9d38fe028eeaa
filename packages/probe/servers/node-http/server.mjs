import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'

// With a certificate and its key behind the port it speaks TLS.
const [port, cert, key] = process.argv.slice(2)

function handle(request, response) {
  const url = new URL(request.url, 'http://server')
  if (url.pathname === '/slow') setTimeout(() => response.end('slow\n'), Number(url.searchParams.get('ms')))
  else if (url.pathname === '/stream') {
    const timer = setInterval(() => response.write('tick\n'), 100)
    response.on('close', () => clearInterval(timer))
  } else response.end('hello\n'.repeat(100))
}

const server = key ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, handle) : createServer(handle)
process.once('SIGTERM', () => server.close())
server.listen(Number(port), '127.0.0.1')
