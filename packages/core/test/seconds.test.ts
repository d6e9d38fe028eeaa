import { SECTIONS } from '../src/options/names.js'
import { parseOptions } from '../src/options/parse.js'

const NODE = { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 }

/** Each option once: what is no duration, and of the durations one value that looks like seconds and one that does not. */
const NO_DURATION = new Set(
  [
    'keepAlive.maxRequests keepAlive.http10 keepAlive.parameters linger.bytes linger.connections drain.minRate',
    'limits.connections limits.perClient limits.idle limits.minRate limits.refuse tcp.noDelay tcp.keepAlive.count',
    'http2.streams http2.resets http2.control behind logger connectionLog',
  ]
    .join(' ')
    .split(' '),
)
const DURATIONS: [string, number, number][] = [
  ['keepAlive.timeout', 65, 1_000],
  ['keepAlive.hold', 65, 6_000],
  ['keepAlive.maxAge', 300, 3_000],
  ['halfClosed', 5, 500],
  ['linger.quiet', 2, 500],
  ['linger.total', 30, 1_000],
  ['drain.delay', 5, 500],
  ['drain.deadline', 20, 1_000],
  ['drain.idle', 5, 500],
  ['drain.silent', 5, 500],
  ['drain.upgraded', 5, 500],
  ['tcp.keepAlive', 60, 1_000],
  ['tcp.keepAlive.idle', 60, 1_000],
  ['tcp.keepAlive.interval', 60, 1_000],
  ['http2.hold', 72, 1_000],
  ['limits.stalled', 60, 1_000],
  ['http2.stalled', 60, 1_000],
]

function optionsWith(path: string, value: unknown): unknown {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
}

/** The messages of warnings, or of the error. */
function told(path: string, value: number, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    return parseOptions(optionsWith(path, value), NODE, [], env).warnings.map(({ message }) => message)
  } catch (error) {
    return [String(error)]
  }
}

test('every option is a duration or not', () => {
  const all = [...SECTIONS].flatMap(([section, names]) => names.map((name) => (section === '' ? name : `${section}.${name}`)))
  const known = new Set([...SECTIONS.keys(), ...NO_DURATION, ...DURATIONS.map(([path]) => path)])
  expect(all.filter((path) => !known.has(path))).toEqual([])
})

test.each(DURATIONS)(
  '%s: %d looks like seconds, and is asked about once with the line that would be right; %d does not',
  (path, seconds, ms) => {
    const asked = told(path, seconds)
    expect(asked).toEqual([expect.stringContaining(`${seconds} is milliseconds; did you mean ${seconds}_000?`)])
    expect(asked[0]).toContain(path)
    expect(told(path, ms).join()).not.toContain('did you mean')
    expect(told(path, 0).join()).not.toContain('did you mean')
  },
)

test('the line that would be right is whole, and can be copied', () => {
  expect(told('drain.deadline', 20)).toEqual([
    'halfclose: option `drain.deadline`: 20 is milliseconds; did you mean 20_000? Write `{ drain: { deadline: 20_000 } }`; a test that means 20 ms has NODE_ENV=test',
  ])
})

test('where NODE_ENV is test they are meant', () => {
  expect(told('drain.deadline', 50, { NODE_ENV: 'test' })).toEqual([])
})
