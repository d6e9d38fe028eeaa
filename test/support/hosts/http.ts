import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import type { ServerSettings, Setup, Started } from '../host.js'

export const credentials = {
  key: readFileSync(join(__dirname, '../cert/key.pem')),
  cert: readFileSync(join(__dirname, '../cert/cert.pem')),
}

export const plainServer = (tls: boolean, handler: RequestListener): Server =>
  tls ? createTlsServer(credentials, handler) : createServer(handler)

/** The settings that `node:http` takes when the server is made. */
export const serverOptions = ({ connectionTimeout: _, tls: __, ...settings }: ServerSettings = {}) => settings

export const closed = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => server.close((error) => (error ? reject(error) : resolve())))

async function start(server: Server, { mode, options, server: settings }: Setup): Promise<Started> {
  if (settings?.connectionTimeout !== undefined) server.setTimeout(settings.connectionTimeout)
  const attach = mode === 'halfclose' ? (await import('@halfclose/core')).attach : undefined
  const connections = attach?.(server, options)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, connections, stop: () => connections?.drain() ?? closed(server) }
}

export const http = (setup: Setup): Promise<Started> => start(createServer(serverOptions(setup.server), setup.handler), setup)

export const https = (setup: Setup): Promise<Started> =>
  start(createTlsServer({ ...serverOptions(setup.server), ...credentials, ...setup.server?.tls }, setup.handler), setup)
