import core = require('@halfclose/core')
import halfcloseExpress = require('@halfclose/express')
import halfcloseFastify = require('@halfclose/fastify')
import Fastify = require('fastify')
import http = require('node:http')

const server = http.createServer()
const connections = core.attach(server, { keepAlive: { timeout: 5_000 } })
const app = Fastify()
app.register(halfcloseFastify.halfclose, { readiness: '/ready' })
app.register(halfcloseFastify.default)
halfcloseExpress.halfclose(server.listeners('request')[0] as http.RequestListener, { signals: true })
export = [connections.state, app.halfclose.state, halfcloseExpress.default]
