import { TcpList } from '../src/socket/proc-net-tcp.js'

const HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'

interface Connection {
  local: string
  remote: string
  state?: string
  sent?: number
  received?: number
  timer?: string
  uid?: string
  inode: number
}

const hex = (bytes: number) => bytes.toString(16).toUpperCase().padStart(8, '0')
const line = (
  { local, remote, state = '01', sent = 0, received = 0, timer = '00', uid = '    0', inode }: Connection,
  number = 0,
) =>
  `${String(number).padStart(4)}: ${local} ${remote} ${state} ${hex(sent)}:${hex(received)} ${timer}:00000000 00000000 ${uid}        0 ${inode} 1 00000000d970bc59 100 0 0 10 0`.padEnd(
    149,
  )
const list = (...connections: Connection[]) => Buffer.from(`${[HEAD, ...connections.map(line)].join('\n')}\n`)

const HERE = '0100007F:1F90'
const THERE = '0200007F:C001'
const mapped = (address: string) => `0000000000000000FFFF0000${address}`

describe('the kernel’s list of connections', () => {
  test('the bytes that are not acknowledged, by inode', () => {
    const found = new TcpList([
      list({ local: HERE, remote: THERE, sent: 70_000, inode: 7 }, { local: HERE, remote: '0300007F:C002', sent: 1, inode: 8 }),
      list(),
    ])
    expect([found.unacknowledged(7), found.unacknowledged(8), found.unacknowledged(9)]).toEqual([70_000, 1, undefined])
  })

  test.each([
    ['both in the list of IPv4', HERE, THERE],
    ['the server’s line in the list of IPv6', mapped(HERE), mapped(THERE)],
  ])('what a peer on this machine has received and not read counts as well: %s', (_, local, remote) => {
    const found = new TcpList([
      list({ local: THERE, remote: HERE, received: 500, inode: 1 }),
      list({ local, remote, sent: 20, inode: 2 }),
    ])
    expect(found.unacknowledged(2)).toBe(520)
    expect(found.isTaking(2)).toBe(false)
  })

  test('a peer without room is probed by our kernel', () => {
    const found = new TcpList([
      list(
        { local: HERE, remote: THERE, timer: '04', inode: 1 },
        { local: HERE, remote: '0300007F:C002', timer: '01', inode: 2 },
      ),
    ])
    expect([found.isTaking(1), found.isTaking(2), found.isTaking(3)]).toEqual([false, true, undefined])
  })

  test.each(['06', '0A', '0C'])('a line in state %s is no open connection', (state) => {
    const found = new TcpList([
      list({ local: HERE, remote: THERE, state, received: 3, inode: 1 }, { local: THERE, remote: HERE, sent: 4, inode: 2 }),
    ])
    expect([found.unacknowledged(1), found.unacknowledged(2)]).toEqual([undefined, 4])
  })

  test('more than 9,999 lines and long user numbers move the columns', () => {
    const text = `${HEAD}\n${line({ local: HERE, remote: THERE, sent: 9, uid: '4294967294', inode: 4_294_967_295 }, 123_456)}\n`
    expect(new TcpList([Buffer.from(text)]).unacknowledged(4_294_967_295)).toBe(9)
  })

  test.each(['', '\n', 'sl\n', `${HEAD}\n   0: 01`, `${HEAD}\n   0: ${HERE}\n`, 'a: b\nc: d\n: :\n'])(
    'a text of another form has no connections: %j',
    (text) => {
      expect(new TcpList([Buffer.from(text)]).unacknowledged(0)).toBeUndefined()
    },
  )
})
