import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { attach } from '@halfclose/core'
import { exposition, type PrometheusClient, prometheus } from '@halfclose/core/metrics'
import { type DrainRecord, recordDrain, renderDrain, view } from '@halfclose/core/view'

type Options = NonNullable<Parameters<typeof attach>[1]>
type IsAny<T> = 0 extends 1 & T ? true : false
const notAny = <T>(_value: IsAny<T> extends true ? never : T) => {}

const server = createServer()
const connections = attach(server, {
  keepAlive: {
    timeout: 5_000,
    hold: 6_000,
    maxRequests: 100,
    maxAge: false,
    http10: 'grant',
    parameters: { pod: 'a1' },
  },
  halfClosed: 5_000,
  linger: { quiet: 2_000, total: 30_000, bytes: 64 * 1024 * 1024, connections: 1_000 },
  drain: { delay: 0, deadline: 20_000, idle: 'promise', silent: 5_000 },
  logger: { info: () => {}, warn: () => {} },
})
connections.attach(createSecureServer({ key: '', cert: '' }))

notAny(exposition)
export const shown: import('node:http').RequestListener = view(connections, { hosts: ['ops.internal'] })
export const recorded: Promise<DrainRecord> = recordDrain(connections, { title: 'deploy' })
export const drawn: Promise<string> = recorded.then(renderDrain)
export const text: string = exposition(connections, { format: 'openmetrics' })
export const measured = (client: PrometheusClient): (() => void) => prometheus(connections, { client })
connections.on('close', ({ state, bytes, promise, tls }) => notAny({ state, bytes, promise, tls }))

// Options that were computed may be undefined, whole and in part.
const perhaps: number | undefined = Number(process.env.TIMEOUT) || undefined
export const computed: Options = {
  keepAlive: {
    timeout: perhaps,
    hold: perhaps,
    maxRequests: undefined,
    maxAge: undefined,
    http10: undefined,
    parameters: undefined,
  },
  halfClosed: perhaps,
  linger: { quiet: perhaps, total: perhaps, bytes: perhaps, connections: perhaps },
  drain: { delay: perhaps, deadline: perhaps, idle: perhaps, silent: perhaps },
  logger: undefined,
}
export const without: Options = { keepAlive: undefined, linger: undefined, drain: undefined }
export const off: Options = { keepAlive: false, drain: 'fast' }
attach(server)
attach(server, undefined)

// @ts-expect-error a misspelt option
export const misspelt: Options = { keepalive: {} }
// @ts-expect-error not one of the choices
export const wrong: Options = { keepAlive: { http10: 'perhaps' } }

const state: 'serving' | 'leaving' | 'draining' | 'drained' = connections.state
const ready: boolean = connections.ready
const signal: AbortSignal = connections.signal
const remaining: number = connections.remaining()

export { ready, remaining, signal, state }

connections.on('state', ({ state, previous, reason }) => console.log(state satisfies typeof previous, reason.length))
connections.on('close', ({ reason, first, ms }) =>
  console.log(reason.length, first === 'server' || first === 'peer', ms.toFixed()),
)
connections.on('warning', ({ code, message }) => console.log(code.length, message.length))
// @ts-expect-error no such event
connections.on('opened', () => {})

notAny<typeof connections>(connections)
const stats = connections.stats()
notAny<typeof stats>(stats)
const policy = connections.policy
notAny<typeof policy>(policy)

const report = await connections.drain({ reason: 'SIGTERM' })
const clean: boolean = report.clean
const lost: number = report.requests.cut + report.requests.finished + report.requests.rescued
for (const held of report.heldBy) notAny<typeof held>(held)
console.log(clean, lost, report.ms, report.reason, report.heldByMore)
await connections.drain()
