import { createServer, type IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { createGzip, gunzipSync } from 'node:zlib'
import type { Client } from '../../../test/support/client.js'
import { get, pipeline } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { attach } from '../src/index.js'
import type { WarningEvent } from '../src/types.js'

// Bodies and heads that pass through the code of others before Node gets them: a body is as long as what Node is given.

const opened = endedAfterEach()

type Body = string | Uint8Array | (() => void) | undefined

/** Its end() writes. */
class EndWrites extends ServerResponse {
  override end(chunk?: unknown, ...rest: unknown[]): this {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) {
      this.write(chunk)
      return Reflect.apply(super.end, this, rest)
    }
    return Reflect.apply(super.end, this, [chunk, ...rest])
  }
}

/** Its end() writes past everybody. */
class EndWritesBelow extends ServerResponse {
  override end(chunk?: unknown, ...rest: unknown[]): this {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) super.write(chunk)
    return Reflect.apply(super.end, this, typeof chunk === 'function' ? [chunk] : rest)
  }
}

/** Each piece of the body is written as two. */
class WritesTwice extends ServerResponse {
  override write(chunk: unknown, ...rest: unknown[]): boolean {
    const text = String(chunk)
    super.write(text.slice(0, 1))
    return Reflect.apply(super.write, this, [text.slice(1), ...rest])
  }
}

/** Writes more than it is given: the application's Content-Length counts that. */
class Prefixes extends ServerResponse {
  #begun = false

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    if (!this.#begun) {
      this.#begun = true
      super.write('<')
    }
    return Reflect.apply(super.write, this, [chunk, ...rest])
  }

  override end(chunk?: unknown): this {
    if (typeof chunk === 'string') this.write(chunk)
    super.write('>')
    return super.end()
  }
}

/** As a compression that a subclass does: what goes out is something else, later, and its length is not the application's. */
class Compresses extends ServerResponse {
  readonly #gzip = createGzip()

  override write(chunk: unknown): boolean {
    return this.#begin().write(chunk)
  }

  override end(chunk?: Body): this {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.#begin().end(chunk)
    else this.#begin().end()
    return this
  }

  #begin() {
    if (!this.headersSent && this.#gzip.listenerCount('data') === 0) {
      this.removeHeader('Content-Length')
      this.#gzip.on('data', (data) => super.write(data))
      this.#gzip.on('end', () => super.end())
    }
    return this.#gzip
  }
}

/** What it writes is in its writeHead(), behind ours, put right. */
class PutsRight extends ServerResponse {
  override writeHead(status: number, ...rest: unknown[]): this {
    this.setHeader('Content-Length', 5)
    return Reflect.apply(super.writeHead, this, [status, ...rest])
  }
}

/** The same, wrong. */
class PutsWrong extends ServerResponse {
  override writeHead(status: number, ...rest: unknown[]): this {
    this.setHeader('Content-Length', Number(this.req.url?.slice(1)))
    return Reflect.apply(super.writeHead, this, [status, ...rest])
  }
}

interface Play {
  readonly answers: readonly string[]
  readonly codes: readonly string[]
  readonly ending: string | undefined
  readonly client: Client
}

/** What comes of three requests, and which warnings. */
async function play(listener: RequestListener, Response: typeof ServerResponse<IncomingMessage>, path = '/'): Promise<Play> {
  const server = createServer({ ServerResponse: Response }, listener)
  const connections = attach(server, { drain: 'fast', logger: quiet })
  const codes: string[] = []
  connections.on('warning', ({ code }: WarningEvent) => codes.push(code))
  const client = await opened.connect(await opened.listen(server))
  await client.send(pipeline(get(path), get(path), get(path, 'Connection: close')))
  const ending = await client.closed()
  return { answers: client.answers.list.map(({ text }) => text), codes, ending, client }
}

const whole = { answers: ['hello', 'hello', 'hello'], codes: [], ending: 'fin' }

const hello: RequestListener = (_req, res) => {
  res.writeHead(200, { 'Content-Length': 5 })
  res.end('hello')
}
const helloSet: RequestListener = (_req, res) => {
  res.setHeader('Content-Length', 5)
  res.end('hello')
}
const inPieces: RequestListener = (_req, res) => {
  res.setHeader('Content-Length', 5)
  res.write('he')
  res.write('llo')
  res.end()
}

describe.each([
  ['end() writes', EndWrites],
  ['end() writes past us', EndWritesBelow],
  ['write() writes twice', WritesTwice],
])('a response whose %s', (_what, Response) => {
  test.each([
    ['given to end()', hello],
    ['given to end(), the length set', helloSet],
    ['in pieces', inPieces],
  ])('has its body, %s', async (_how, listener) => {
    expect(await play(listener, Response)).toMatchObject(whole)
  })

  test.each([
    ['longer', 3, 'hel'],
    ['shorter', 9, undefined],
  ])('whose body is %s than its Content-Length is the last of its connection', async (_how, length, text) => {
    const listener: RequestListener = (_req, res) => {
      res.writeHead(200, { 'Content-Length': length })
      res.write('he')
      res.end('llo')
    }
    const { answers, codes, client } = await play(listener, Response)
    expect(answers).toEqual(text === undefined ? [] : [text])
    expect(codes).toEqual(['HALFCLOSE_CONTENT_LENGTH'])
    expect(client.parser.garbage).toBe('')
  })
})

test('a response that writes more than it is given is as long as what it writes', async () => {
  const listener: RequestListener = (_req, res) => {
    res.setHeader('Content-Length', 7)
    res.write('he')
    res.end('llo')
  }
  expect(await play(listener, Prefixes)).toMatchObject({ ...whole, answers: ['<hello>', '<hello>', '<hello>'] })
})

test('a body that a subclass compresses is whole, whatever length the application has set', async () => {
  const { client, codes } = await play(helloSet, Compresses)
  expect(client.answers.list.map(({ body }) => gunzipSync(body).toString())).toEqual(whole.answers)
  expect(codes).toEqual([])
})

test('a body that a middleware compresses in place of write() and end() is whole', async () => {
  const listener: RequestListener = (_req, res) => {
    // As `compression` does it, with its hook in writeHead().
    const { write, end, writeHead } = res
    const gzip = createGzip()
    Object.assign(res, {
      writeHead: (...args: unknown[]) => {
        res.removeHeader('Content-Length')
        return Reflect.apply(writeHead, res, args)
      },
      write: (chunk: string) => gzip.write(chunk),
      end: (chunk: string) => {
        gzip.end(chunk)
        return res
      },
    })
    gzip.on('data', (data) => Reflect.apply(write, res, [data]))
    gzip.on('end', () => Reflect.apply(end, res, []))
    res.setHeader('Content-Length', 5)
    res.end('hello')
  }
  const { client, codes } = await play(listener, ServerResponse)
  expect(client.answers.list.map(({ body }) => gunzipSync(body).toString())).toEqual(whole.answers)
  expect(codes).toEqual([])
})

test.each([
  ['set before', (res: ServerResponse) => res.setHeader('Content-Length', 99)],
  ['not set', () => {}],
])('a Content-Length that a writeHead() below ours puts right costs nothing, %s', async (_how, before) => {
  const listener: RequestListener = (_req, res) => {
    before(res)
    res.end('hello')
  }
  expect(await play(listener, PutsRight)).toMatchObject(whole)
})

test('nor one that a hook above ours puts right', async () => {
  const listener: RequestListener = (_req, res) => {
    const { writeHead } = res
    // As `on-headers` does it.
    Object.assign(res, {
      writeHead: (...args: unknown[]) => {
        res.setHeader('Content-Length', 5)
        return Reflect.apply(writeHead, res, args)
      },
    })
    res.setHeader('Content-Length', 99)
    res.end('hello')
  }
  expect(await play(listener, ServerResponse)).toMatchObject(whole)
})

test.each([
  ['longer', '/3', ['hel']],
  ['shorter', '/9', []],
])(
  'a body that is %s than what a writeHead() below ours has declared is the last of its connection',
  async (_how, path, answers) => {
    const listener: RequestListener = (_req, res) => void res.end('hello')
    const found = await play(listener, PutsWrong, path)
    expect(found).toMatchObject({ answers, codes: ['HALFCLOSE_CONTENT_LENGTH'], ending: 'fin' })
    expect(found.client.heads.list[0]?.closes).toBe(true)
    expect(found.client.parser.garbage).toBe('')
  },
)

test('options of the application stay beside the close of a body that does not fit', async () => {
  const listener: RequestListener = (_req, res) => {
    res.setHeader('Connection', 'X-Hop, keep-alive')
    res.setHeader('Content-Length', 9)
    res.end('hello')
  }
  const { client } = await play(listener, ServerResponse)
  expect(client.heads.list[0]?.header('connection')?.toLowerCase()).toBe('x-hop, close')
})

test('a stream that is piped into a response whose end() writes arrives whole', async () => {
  const listener: RequestListener = (_req, res) => {
    res.setHeader('Content-Length', 5)
    const source = new PassThrough()
    source.pipe(res)
    source.write('hel')
    setImmediate(() => source.end('lo'))
  }
  expect(await play(listener, EndWrites)).toMatchObject(whole)
})
