import { ResponseParser } from './response-parser.mjs'
import { formatTable, median } from './table.mjs'
import { assertBalanced, countLoss, lostIn, newTally } from './tally.mjs'

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n5;x=y\r\nclose\r\n0\r\nTrailer: 1\r\n\r\n'

function parse(...chunks: string[]): ResponseParser {
  const parser = new ResponseParser()
  for (const chunk of chunks) parser.push(Buffer.from(chunk, 'latin1'))
  return parser
}

describe('the response parser', () => {
  it('reads a body of a known length and what the server promised', () => {
    const parser = parse(
      'HTTP/1.1 201 Created\r\nContent-Length: 2\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=3\r\n\r\nok',
    )
    expect(parser).toMatchObject({
      done: true,
      status: 201,
      text: 'ok',
      bodyLength: 2,
      persistent: true,
      promise: 5000,
      surplus: 0,
    })
  })

  it('reads a chunked body, byte by byte as well as at once', () => {
    expect(parse(chunked)).toMatchObject({ done: true, text: 'halfclose', bodyLength: 9 })
    expect(parse(...chunked)).toMatchObject({ done: true, text: 'halfclose', bodyLength: 9 })
  })

  it('knows at every byte that a chunked body is not whole yet', () => {
    for (let length = 0; length < chunked.length; length++) {
      const parser = parse(chunked.slice(0, length))
      expect(parser.end()).toBe(false)
    }
  })

  it('takes the close as the end only where nothing else shows it', () => {
    const parser = parse('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it')
    expect(parser.done).toBe(false)
    expect(parser.end()).toBe(true)
    expect(parser).toMatchObject({ text: 'all of it', persistent: false, promise: undefined })
    expect(parse('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall').end()).toBe(false)
  })

  it('skips interim responses, and needs no body for 204 and 304', () => {
    expect(parse('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ done: true, status: 204 })
    expect(parse('HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n')).toMatchObject({ done: true, status: 304 })
  })

  it('finds close anywhere in Connection, and bytes behind the response', () => {
    const parser = parse(
      'HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nconnection: Foo , CLOSE\r\nContent-Length: 0\r\n\r\nHTTP/1.1 400',
    )
    expect(parser).toMatchObject({ done: true, persistent: false, surplus: 12 })
  })

  it.each([
    ['HTTP/2 200\r\n\r\n', 'not a status line'],
    ['HTTP/1.1 200 OK\r\nno colon\r\n\r\n', 'not a header field'],
    ['HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n', 'not a Content-Length'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhalf\r\n', 'not a chunk size'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhalf\r\n', 'longer than it said'],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(message)
  })
})

describe('the count', () => {
  it('adds up only if every request was counted once', () => {
    const tally = { ...newTally(), sent: 5, answered: 3 }
    countLoss(tally, 'post', 'reset')
    expect(() => assertBalanced('express bare', tally)).toThrow(
      'express bare: the demo lost count: 5 requests sent, but 3 answered + 1 lost = 4',
    )
    countLoss(tally, 'get', 'eof')
    expect(() => assertBalanced('express bare', tally)).not.toThrow()
    expect(lostIn(tally)).toBe(2)
  })
})

describe('the table', () => {
  const restarts = [
    { ms: 10_020, code: 1, signal: null },
    { ms: 2_000, code: 0, signal: null },
  ]

  it('sets the columns side by side', () => {
    const bare = { framework: 'express', policy: 'bare', tally: { ...newTally(), sent: 12_345, answered: 12_344 }, restarts }
    countLoss(bare.tally, 'download', 'cut')
    const halfclose = { framework: 'express', policy: 'halfclose', tally: newTally(), restarts: [] }
    const lines = formatTable([bare, halfclose]).split('\n')
    expect(lines[0]).toMatch(/^ +express +express$/)
    expect(lines[1]).toMatch(/^ +bare +halfclose$/)
    expect(lines.find((line) => line.startsWith('requests sent'))).toMatch(/ 12,345 +0$/)
    expect(lines.find((line) => line.startsWith('  body cut'))).toMatch(/ 1 +0$/)
    expect(lines.find((line) => line.startsWith('time per drain, median'))).toMatch(/ 6\.0 s +–$/)
    expect(lines.find((line) => line.startsWith('time per drain, longest'))).toMatch(/ 10\.0 s +–$/)
  })

  it('names the rarer causes only where they happened', () => {
    const column = { framework: 'fastify', policy: 'bare', tally: newTally(), restarts }
    expect(formatTable([column])).not.toContain('wrong answer')
    countLoss(column.tally, 'get', 'wrong')
    expect(formatTable([column])).toContain('wrong answer')
  })

  it('counts apart what was asked again over HTTP/2, and says nothing of it where there is none', () => {
    const http1 = { framework: 'fastify', policy: 'bare', tally: newTally(), restarts }
    const http2 = { framework: 'fastify-h2', policy: 'halfclose', tally: { ...newTally(), askedAgain: 7 }, restarts }
    expect(formatTable([http1, http2])).toMatch(/^ {2}told not run, asked again +– +7$/m)
    expect(formatTable([http1])).not.toContain('asked again')
  })

  it('takes the median of an even and an odd number', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })
})
