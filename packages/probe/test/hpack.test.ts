import { encodeFields, FieldDecoder } from 'halfclose-probe/wire'

// The examples of RFC 7541, Appendix C: three requests with Huffman coding on one connection (C.4), and three responses whose table evicts (C.6).
test('requests with Huffman coding build up the table', () => {
  const decoder = new FieldDecoder()
  const blocks = [
    '828684418cf1e3c2e5f23a6ba0ab90f4ff',
    '828684be5886a8eb10649cbf',
    '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  ].map((hex) => decoder.decode(Buffer.from(hex, 'hex')))
  expect(blocks[0]).toEqual([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'www.example.com'],
  ])
  expect(blocks[1]?.at(-1)).toEqual(['cache-control', 'no-cache'])
  expect(blocks[2]).toEqual([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':path', '/index.html'],
    [':authority', 'www.example.com'],
    ['custom-key', 'custom-value'],
  ])
})

test('an old entry leaves the table when a new one needs its place', () => {
  const decoder = new FieldDecoder(256)
  const blocks = [
    '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
    '4883640effc1c0bf',
    '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
  ].map((hex) => decoder.decode(Buffer.from(hex, 'hex')))
  expect(blocks[1]).toEqual([
    [':status', '307'],
    ['cache-control', 'private'],
    ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
    ['location', 'https://www.example.com'],
  ])
  expect(blocks[2]?.at(-1)).toEqual(['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'])
})

test('what is encoded is decoded: long values, and every byte', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString('latin1')
  const fields = [
    ['x-all', bytes],
    ['x-long', 'a'.repeat(20_000)],
  ] as const
  expect(new FieldDecoder().decode(encodeFields(fields))).toEqual(fields)
})

test.each(['be', '41', '0085ffffffffff', 'ff'])('a malformed block %s is an error', (hex) => {
  expect(() => new FieldDecoder().decode(Buffer.from(hex, 'hex'))).toThrow()
})
