// A process with an application and a view of it; it has nothing else to do.
import { createServer } from 'node:http'

const [, , core, viewModule] = process.argv
const { attach, connectionsOf } = await import(core)
const { view } = await import(viewModule)

const app = createServer((_req, res) => res.end('x'))
const isRegistered = process.execArgv.includes('--import')
let connections = isRegistered ? undefined : attach(app, { drain: { deadline: 5_000 }, logger: { info() {}, warn() {} } })
app.listen(0, '127.0.0.1', () => {
  connections ??= connectionsOf(app)
  const server = createServer(view(connections))
  server.listen(0, '127.0.0.1', () => process.send(server.address().port, () => process.disconnect()))
})
if (!isRegistered)
  process.once('SIGTERM', async () => {
    const { clean } = await connections.drain({ reason: 'SIGTERM' })
    console.log('drained', clean)
  })
