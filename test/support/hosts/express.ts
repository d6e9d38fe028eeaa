import { once } from 'node:events'
import type { Server } from 'node:http'
import { join } from 'node:path'
import type { Express, json, static as serveStatic } from 'express'
import type { Setup, Started } from '../host.js'
import { closed } from './http.js'

type Module = (() => Express) & { json: typeof json; static: typeof serveStatic }

export const express =
  (name: 'express' | 'express-4') =>
  async ({ mode, options, server: settings, handler }: Setup): Promise<Started> => {
    const make = ((await import(name)) as { default: Module }).default
    const app = make()
    app.set('env', 'test') // else every thrown error is printed
    const halfclose = mode === 'halfclose' ? (await import('@halfclose/express')).halfclose : undefined
    const connections = halfclose?.(app, options)
    app.use((req, res, next) => (req.url.startsWith('/native') ? next() : handler(req, res)))
    app.get('/native/json', (_req, res) => void res.json({ hello: 'world' }))
    app.get('/native/throw', () => {
      throw new Error('thrown by the handler')
    })
    app.use('/native/static', make.static(join(__dirname, '../cert')))
    app.post('/native/upload', make.json({ limit: 1_000 }), (_req, res) => void res.send('taken'))
    const { connectionTimeout, ...rest } = settings ?? {}
    const server: Server = Object.assign(app.listen(0, '127.0.0.1'), rest)
    if (connectionTimeout !== undefined) server.setTimeout(connectionTimeout)
    await once(server, 'listening')
    return { server, connections, stop: () => connections?.drain() ?? closed(server) }
  }
