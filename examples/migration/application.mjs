// What every example here serves, and the database that it closes.
export async function application(request, response) {
  console.log(request.method, request.url)
  let body = ''
  for await (const chunk of request) body += chunk
  response.setHeader('Content-Type', 'application/json')
  response.end(body || '{"hello":"world"}')
}

export const database = {
  isUp: true,
  async end() {
    console.log('database closed')
  },
}

export const port = Number(process.env.PORT ?? 3000)
export const listening = (server) => () => console.log('listening on port', server.address().port)
