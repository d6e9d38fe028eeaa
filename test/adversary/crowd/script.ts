import fc from 'fast-check'
import { type Mutation, mutate, mutation } from '../fuzz/pipeline.js'

/** What the application does with a request; an upgrade or a tunnel is echoed, refused, broken off or left alone. */
export const PLANS = [
  'now',
  'soon',
  'read',
  'late',
  'early', // answered before its body is there, which nobody reads
  'big',
  'pieces',
  'close',
  'unframed',
  'short',
  'long',
  'torn',
  'torn-unframed',
  'reset-upstream', // half an answer; then an error that carries `syscall`, and is not the client's
  'no-file', // a pipeline() from a file that there is not
  'destroy',
  'held',
  'echo',
  'refuse',
  'break',
  'leave',
] as const
export type Plan = (typeof PLANS)[number]

const SHAPES = [
  'get',
  'head',
  'post',
  'chunked',
  'expect',
  'get10',
  'keep10',
  'closing',
  'no-host',
  'upgrade',
  'websocket-post',
  'connect',
  'ready',
  'head-ready',
] as const
type Shape = (typeof SHAPES)[number]

export interface Wish {
  shape: Shape
  plan: Plan
  size: number
}

export type Step =
  | { do: 'send'; wishes: Wish[]; times: number; mutation: Mutation | undefined; pieces: number }
  | { do: 'fin' | 'reset' | 'pause' | 'resume' | 'drain' }
  | { do: 'rest'; ms: number }

export interface Script {
  options: object
  /** Whether the application takes over upgrades, and CONNECT. */
  takes: { upgrade: boolean; connect: boolean }
  /** Of each client, whether it comes by TLS. */
  tls: boolean[]
  moves: { client: number; step: Step }[]
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`

/** A request's bytes, and the method for whoever reads the answer. */
export function wire({ shape, plan, size }: Wish, id: string): { text: string; method: string } {
  const path = `/${id}-${plan}`
  const body = 'b'.repeat(size)
  switch (shape) {
    case 'head':
      return { method: 'HEAD', text: lines(`HEAD ${path} HTTP/1.1`, 'Host: a') }
    case 'post':
      return { method: 'POST', text: lines(`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${size}`) + body }
    case 'expect':
      return {
        method: 'POST',
        text: lines(`POST ${path} HTTP/1.1`, 'Host: a', 'Expect: 100-continue', `Content-Length: ${size}`) + body,
      }
    case 'chunked': {
      const head = lines(`POST ${path} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked')
      return { method: 'POST', text: `${head}${size.toString(16)}\r\n${body}\r\n0\r\n\r\n` }
    }
    case 'get10':
      return { method: 'GET', text: lines(`GET ${path} HTTP/1.0`) }
    case 'keep10':
      return { method: 'GET', text: lines(`GET ${path} HTTP/1.0`, 'Connection: keep-alive') }
    case 'closing':
      return { method: 'GET', text: lines(`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close') }
    case 'no-host':
      return { method: 'GET', text: lines(`GET ${path} HTTP/1.1`) }
    case 'upgrade':
      return { method: 'GET', text: lines(`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: upgrade', 'Upgrade: websocket') }
    case 'websocket-post': {
      const fields = ['Host: a', 'Connection: upgrade', 'Upgrade: x', `Content-Length: ${size}`]
      return { method: 'POST', text: lines(`POST ${path} HTTP/1.1`, ...fields) + body }
    }
    case 'connect':
      return { method: 'CONNECT', text: lines(`CONNECT ${id}-${plan}:80 HTTP/1.1`, 'Host: a') }
    case 'ready':
      return { method: 'GET', text: lines('GET /ready HTTP/1.1', 'Host: a') }
    case 'head-ready':
      return { method: 'HEAD', text: lines('HEAD /ready HTTP/1.1', 'Host: a') }
    case 'get':
      return { method: 'GET', text: lines(`GET ${path} HTTP/1.1`, 'Host: a') }
  }
}

/** A byte is changed, or some are missing, doubled or put in. */
export function changed(bytes: Buffer, one: Mutation | undefined): Buffer {
  if (one === undefined || bytes.length === 0) return bytes
  return Buffer.from(mutate(bytes, Math.min(Math.floor(one.at * bytes.length), bytes.length - 1), one))
}

const wish: fc.Arbitrary<Wish> = fc.record({
  shape: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom<Shape>('get', 'post') },
    { weight: 1, arbitrary: fc.constantFrom<Shape>('upgrade', 'connect') },
    { weight: 2, arbitrary: fc.constantFrom<Shape>(...SHAPES) },
  ),
  plan: fc.oneof(
    { weight: 1, arbitrary: fc.constantFrom<Plan>('now', 'soon') },
    { weight: 3, arbitrary: fc.constantFrom<Plan>(...PLANS) },
  ),
  size: fc.constantFrom(1, 20, 3_000, 200_000),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      wishes: fc.array(wish, { minLength: 1, maxLength: 3 }),
      // More than sixteen that wait, and nothing more is parsed.
      times: fc.constantFrom(1, 1, 1, 1, 1, 20, 300),
      mutation: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: mutation }),
      pieces: fc.constantFrom(1, 1, 1, 2, 9),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'fin' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'reset' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'pause' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'resume' }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'drain' }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rest' as const), ms: fc.constantFrom(0, 0, 2, 20, 60) }) },
)

/** Refusals, readiness, limits, rates, half-closed clients and the shortest bounds. */
const options = fc.record({
  limits: fc.record({
    connections: fc.constantFrom(false, false, false, 1, 2),
    perClient: fc.constantFrom(false, false, false, 1, 3),
    idle: fc.constantFrom(false, 1),
    minRate: fc.constantFrom(false, 240),
    refuse: fc.constantFrom('answer', 'answer', 'answer', 'drop'),
  }),
  keepAlive: fc.constantFrom(false, { timeout: 0 }, { timeout: 1_000 }, { maxRequests: 2 }, { http10: 'ignore' }),
  halfClosed: fc.constantFrom(0, 30, 100),
  linger: fc.record({ quiet: fc.constant(60), total: fc.constant(120), bytes: fc.constantFrom(1_000, 1_000_000) }),
  drain: fc.record({
    delay: fc.constantFrom(0, 0, 20),
    deadline: fc.constantFrom(100, 250),
    idle: fc.constantFrom(0, 'promise'),
    silent: fc.constantFrom(0, 50),
    upgraded: fc.constantFrom(20, 100),
    minRate: fc.constant(240),
  }),
  readiness: fc.constant('/ready'),
})

const often = fc.constantFrom(true, true, true, false)

export const crowdScript: fc.Arbitrary<Script> = fc.record({
  options,
  takes: fc.record({ upgrade: often, connect: often }),
  tls: fc.array(fc.constantFrom(false, false, true), { minLength: 4, maxLength: 4 }),
  moves: fc.array(fc.record({ client: fc.constantFrom(0, 0, 1, 2, 3), step }), { minLength: 1, maxLength: 24 }),
})
