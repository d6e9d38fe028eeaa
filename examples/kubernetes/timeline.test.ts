import path from 'node:path'
import type { Example } from '../testing/child.js'
import { Orchestrator } from '../testing/orchestrator.js'
import { itKeepsItsPromises } from '../testing/sigterm.js'
import { CLOSING, figuresOf, MARGIN, readManifest } from './manifest.js'

const BARE = path.join(__dirname, '../testing/bare')
const get = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'
const { env, grace, preStop } = figuresOf(readManifest().deployment)
// The kubelet asks every 2 s. Asked more often it takes less of the delay, so that what follows has room on a slow machine.
const probe = { path: '/ready', period: 100, failures: 2 }

/** A preStop sleep, at the end of which the endpoint has long been removed. */
const slept = 5_000

// On a machine that has more to do a Node takes seconds to start.
jest.setTimeout(120_000)

let example: Example | undefined
let kubelet: Orchestrator | undefined

async function start(directory: string, overrides: Record<string, string> = {}): Promise<Orchestrator> {
  kubelet = await Orchestrator.start(directory, { ...env, ...overrides }, (started) => {
    example = started
  })
  return kubelet
}

afterEach(() => {
  example?.kill()
  kubelet?.destroy()
})

describe('examples/kubernetes, whose pod is deleted in the middle of an exchange', () => {
  it('loses nothing where the endpoint goes after SIGTERM, and needs no SIGKILL', async () => {
    const pod = await start(__dirname)
    const [newcomers, kept] = [pod.traffic('new'), pod.traffic('kept')]
    await Promise.all([newcomers.more(3), kept.more(3)])
    const inFlight = await pod.halfARequest()
    expect(await pod.ask(probe.path)).toBe(200)

    const exit = pod.stop(grace - preStop)
    const statuses = await pod.failing(probe)
    pod.note('not ready')
    expect(statuses.filter((status) => status !== 200)).toEqual([503, 503])

    // kube-proxy has to hear of it, and to write its rules.
    await newcomers.more(5)
    newcomers.connectElsewhere()
    kept.connectElsewhere()
    await newcomers.done
    pod.note('endpoint removed')

    await pod.stoppedListening()
    // The rules are for new connections: the kept one is used until it is told.
    await kept.done

    const answer = await inFlight.finish()
    pod.note('in flight answered')
    expect(answer).toMatchObject({ status: 200, body: inFlight.body })
    expect(answer.headers.get('connection')).toBe('close')
    expect(await inFlight.client.ended()).toEqual(['data', 'end', 'close'])

    expect(await exit).toEqual({ code: 0, signal: null })
    expect([...newcomers.lost, ...kept.lost]).toEqual([])
    expect(pod.happened).toEqual(['SIGTERM', 'not ready', 'endpoint removed', 'stopped listening', 'in flight answered', 'exit'])
  })

  it('loses nothing either where a preStop sleep does the waiting and the delay is 0', async () => {
    const pod = await start(__dirname, { DRAIN_DELAY: '0' })
    const newcomers = pod.traffic('new')
    await newcomers.more(3)
    const inFlight = await pod.halfARequest()

    pod.note('preStop')
    await newcomers.more(5)
    newcomers.connectElsewhere()
    await newcomers.done
    pod.note('endpoint removed')

    const promised = await pod.connect()
    const first = await promised.request(get)
    expect(first.headers.get('keep-alive')).toBe('timeout=5')

    const exit = pod.stop(grace - slept)
    await pod.stoppedListening()
    const second = await promised.request(get)
    expect(second).toMatchObject({ status: 200, body: '{"hello":"world"}' })
    expect(second.headers.get('connection')).toBe('close')
    expect(await promised.ended()).toEqual(['data', 'end', 'close'])

    expect(await inFlight.finish()).toMatchObject({ status: 200, body: inFlight.body })
    expect(await exit).toEqual({ code: 0, signal: null })
    expect(newcomers.lost).toEqual([])
    expect(pod.happened).toEqual(['preStop', 'endpoint removed', 'SIGTERM', 'stopped listening', 'exit'])
  })

  it('cuts what does not end at its deadline, and has ended before the kubelet kills', async () => {
    const pod = await start(__dirname, { DRAIN_DELAY: '500', DRAIN_DEADLINE: '2000' })
    const stuck = await pod.halfARequest()
    expect(await pod.stop(2_000 + 2_000 + CLOSING + MARGIN)).toEqual({ code: 1, signal: null })
    expect(await stuck.client.ended()).toEqual(['end', 'close'])
    expect(pod.happened).toEqual(['SIGTERM', 'exit'])
  })

  it('is cut without a word by SIGKILL, where the grace period is shorter than the drain', async () => {
    const pod = await start(__dirname)
    const inFlight = await pod.halfARequest()
    expect(await pod.stop(1_000)).toEqual({ code: null, signal: 'SIGKILL' })
    await expect(inFlight.finish()).rejects.toThrow('no whole response')
    expect(inFlight.client.text).toBe('')
    expect(example?.lines.join('\n')).not.toContain('drained')
    expect(pod.happened).toEqual(['SIGTERM', 'SIGKILL', 'exit'])
  })
})

describe('a bare Express server whose pod is deleted', () => {
  it('loses every new connection from SIGTERM until the endpoint is removed', async () => {
    const pod = await start(BARE)
    const newcomers = pod.traffic('new')
    await newcomers.more(3)
    expect(newcomers.lost).toEqual([])
    // It would exit at once, and nothing else would be seen.
    await pod.halfARequest()

    void pod.stop(grace)
    await pod.example.line(/^stopped listening/)
    await newcomers.more(5)
    newcomers.connectElsewhere()
    await newcomers.done
    expect(newcomers.lost).toContainEqual(expect.stringContaining('ECONNREFUSED'))
  })

  it('loses, in spite of a preStop sleep, the request of a client that was promised a minute', async () => {
    const pod = await start(BARE, { KEEP_ALIVE: '60000' })
    const promised = await pod.connect()
    const first = await promised.request(get)
    expect(first.headers.get('keep-alive')).toBe('timeout=60')
    expect(first.headers.get('connection')).toBe('keep-alive')
    const since = performance.now()

    const exit = pod.stop(grace - slept)
    await pod.example.line(/^stopped listening/)
    await expect(promised.request(get)).rejects.toThrow('no whole response')
    expect(performance.now() - since).toBeLessThan(60_000)
    expect(await exit).toEqual({ code: 0, signal: null })
  })
})

describe('examples/kubernetes, at SIGTERM in the middle of an exchange', () => {
  itKeepsItsPromises(__dirname)
})
