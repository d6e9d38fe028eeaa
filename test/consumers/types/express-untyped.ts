// Without @types/express: nothing in the adapter's own types may need it.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { halfclose } from '@halfclose/express'

const express = createRequire(import.meta.url)('express')
const connections = halfclose(express(), { signals: true, readiness: '/ready' })
connections.attach(createServer(express()))

export function ofItsShape(app: (req: IncomingMessage, res: ServerResponse) => void) {
  return halfclose(app, { drain: 'fast' }).state
}
// @ts-expect-error a misspelt option
halfclose(express(), { keepalive: {} })

const report = await connections.drain({ reason: 'deploy' })
console.log(report.clean, connections.stats())
