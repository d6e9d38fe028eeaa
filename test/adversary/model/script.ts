import fc from 'fast-check'

/** How the application answers, once it does. */
export const modes = [
  'length', // end(body)
  'chunked', // write, end
  'big', // more than the kernel takes at once
  'close', // Connection: close
  'insists', // Connection: keep-alive, which overrules nothing
  'none', // 204
  'unframed', // the body ends with the connection
  'misfit', // end() with a body longer than its Content-Length
  'long', // written in pieces, longer
  'short', // shorter
  'abort', // destroyed before the head
  'torn', // destroyed amid a chunked body
  'torn-unframed', // destroyed amid a body that ends with the connection
  'failed', // the same two, by an error that carries `syscall`, and is not the client's
  'failed-unframed',
] as const
export type Mode = (typeof modes)[number]

/** A head and a first piece; the rest, or the end of it all, comes later. */
export type Framing = 'chunked' | 'length' | 'unframed'

export const kinds = [
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
  'connect',
] as const
export type Kind = (typeof kinds)[number]

/** `held`: the test answers. `read`: answered when its body is there. A mode: at once. */
export type Plan = 'held' | 'read' | Mode

export interface Wish {
  kind: Kind
  plan: Plan
  size: number
}

export type Command =
  /** Pipelined requests; of the last one only the first part, where `part` < 1, and in several pieces. `calm`: wait for what follows from it. */
  | { do: 'send'; wishes: Wish[]; part: number; pieces: number; calm: boolean }
  /** What is missing of the last request. */
  | { do: 'rest'; calm: boolean }
  /** No HTTP; amid a chunked body: no chunk. */
  | { do: 'bad'; calm: boolean }
  | { do: 'fin' }
  | { do: 'reset' }
  /** Pipelined, more than are parsed while they wait. */
  | { do: 'burst'; count: number }
  /** Another client, where there is room for one. */
  | { do: 'knock'; asks: 'get' | 'ready' | 'head-ready'; leaves: 'fin' | 'reset' }
  | { do: 'drain' }
  | { do: 'answer'; mode: Mode }
  | { do: 'begin'; framing: Framing }
  | { do: 'wait'; ms: number }
  /** Until an idle connection's hold is over. */
  | { do: 'outwait' }

export interface Script {
  tls: boolean
  /** The client answers our FIN with its own at once. */
  obliging: boolean
  keepAlive: false | { timeout: 0 | 1_000; maxRequests: false | number; http10: 'grant' | 'refuse' | 'ignore' }
  /** 250: what still waits for an answer then is cut. */
  halfClosed: number
  quiet: number
  drain: { idle: 0 | 'promise'; silent: number; deadline: number }
  /** Room for one connection, with the readiness route, and all other limits too. */
  crowded: false | 'answer' | 'drop'
  /** Whether the application takes CONNECT. */
  connects: boolean
  commands: Command[]
  /** How the client leaves. */
  tidy: 'fin' | 'reset'
}

const plan: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Plan>('held') },
  { weight: 3, arbitrary: fc.constant<Plan>('length') },
  { weight: 2, arbitrary: fc.constant<Plan>('read') },
  { weight: 2, arbitrary: fc.constantFrom<Plan>(...modes) },
)

const kind: fc.Arbitrary<Kind> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Kind>('get') },
  { weight: 4, arbitrary: fc.constantFrom<Kind>('post', 'chunked') },
  { weight: 4, arbitrary: fc.constantFrom<Kind>(...kinds) },
)

const wish: fc.Arbitrary<Wish> = fc.record({ kind, plan, size: fc.constantFrom(1, 20, 900, 90_000) })
const calm = fc.boolean()

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      wishes: fc.array(wish, { minLength: 1, maxLength: 4 }),
      part: fc.oneof(
        { weight: 3, arbitrary: fc.constant(1) },
        { weight: 1, arbitrary: fc.double({ min: 0, max: 0.999, noNaN: true }) },
      ),
      pieces: fc.constantFrom(1, 1, 2, 7),
      calm,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rest' as const), calm }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('bad' as const), calm }) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: 'fin' }) },
  { weight: 1, arbitrary: fc.constant<Command>({ do: 'reset' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('burst' as const), count: fc.constantFrom(17, 40) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('knock' as const),
      asks: fc.constantFrom('get' as const, 'ready' as const, 'head-ready' as const),
      leaves: fc.constantFrom('fin' as const, 'reset' as const),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Command>({ do: 'drain' }) },
  { weight: 7, arbitrary: fc.record({ do: fc.constant('answer' as const), mode: fc.constantFrom<Mode>('length', ...modes) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      framing: fc.constantFrom<Framing>('chunked', 'length', 'unframed'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 5, 30, 30, 30, 950) }) },
)

const patient = { weight: 1, arbitrary: fc.constant<Command>({ do: 'outwait' }) }

export const script: fc.Arbitrary<Script> = fc.record({
  tls: fc.constantFrom(false, false, false, false, true),
  obliging: fc.boolean(),
  keepAlive: fc.oneof(
    {
      weight: 9,
      arbitrary: fc.record({
        timeout: fc.constantFrom(0 as const, 1_000 as const),
        maxRequests: fc.constantFrom<false | number>(false, false, 1, 2, 3, 5),
        http10: fc.constantFrom('grant' as const, 'grant' as const, 'refuse' as const, 'ignore' as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant<false>(false) },
  ),
  halfClosed: fc.constantFrom(20_000, 20_000, 20_000, 250),
  quiet: fc.constantFrom(40, 20_000),
  drain: fc.record({
    idle: fc.constantFrom(0 as const, 'promise' as const),
    silent: fc.constantFrom(0, 20_000),
    deadline: fc.constantFrom(20_000, 20_000, 20_000, 250),
  }),
  crowded: fc.constantFrom(false as const, false as const, 'answer' as const, 'drop' as const),
  connects: fc.boolean(),
  commands: fc.array(fc.oneof({ weight: 40, arbitrary: command }, patient), { minLength: 1, maxLength: 14 }),
  tidy: fc.constantFrom('fin' as const, 'fin' as const, 'reset' as const),
})

/** For people. */
export function describeScript({ commands, ...rest }: Script): string {
  return [JSON.stringify(rest), ...commands.map((one) => JSON.stringify(one))].join('\n  ')
}
