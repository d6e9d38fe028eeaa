import type { HostName, Setup, Started } from '../host.js'
import { express } from './express.js'
import { fastify } from './fastify.js'
import { http, https } from './http.js'

/** One file per framework, each the same: start, listen, and what a deploy calls to stop. */
export const hosts: Record<HostName, (setup: Setup) => Promise<Started>> = {
  http,
  https,
  express4: express('express-4'),
  express5: express('express'),
  fastify4: fastify('fastify-4'),
  fastify5: fastify('fastify'),
  fastify6: fastify('fastify-6'),
}
