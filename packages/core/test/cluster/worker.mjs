import { createServer } from 'node:http'
import { attach } from '../../dist/esm/index.js'

if (process.env.BROKEN === 'exit') process.exit(3)
const server = createServer((_req, res) => setTimeout(() => res.end(String(process.pid)), 20))
const connections = attach(server, { keepAlive: { timeout: 1_000 } })
// A service with a second server (metrics, say): both drain at once.
const second = createServer((_req, res) => res.end())
connections.attach(second)
if (process.env.METRICS === 'first') second.listen(0, '0.0.0.0')
else server.once('listening', () => second.listen(0, '127.0.0.1'))
process.once('SIGTERM', async () => process.exit((await connections.drain({ reason: 'SIGTERM' })).clean ? 0 : 1))
if (process.env.BROKEN === 'deaf') setInterval(() => {}, 1_000)
else setTimeout(() => server.listen(0, '127.0.0.1'), Number(process.env.START ?? 0))
