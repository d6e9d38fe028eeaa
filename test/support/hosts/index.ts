import type { HostName, Setup, Started } from '../host.js'
import { express } from './express.js'
import { fastify } from './fastify.js'
import { http, https } from './http.js'

/** One file for each framework, with the same task: start, listen, and stop as a deploy would. */
export const hosts: Record<HostName, (setup: Setup) => Promise<Started>> = {
  http,
  https,
  express4: express('express-4'),
  express5: express('express'),
  fastify4: fastify('fastify-4'),
  fastify5: fastify('fastify'),
  fastify6: fastify('fastify-6'),
}
