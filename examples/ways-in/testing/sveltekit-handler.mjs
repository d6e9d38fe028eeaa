import { text } from 'node:stream/consumers'

// What adapter-node exports: a middleware (request, response, next).
export async function handler(request, response) {
  const body = await text(request)
  response.setHeader('Content-Type', 'application/json')
  response.end(body || '{"hello":"world"}')
}
