import path from 'node:path'
import type { Example } from '../testing/child.js'
import { Orchestrator } from '../testing/orchestrator.js'
import { readContainer, readLoadBalancer } from './definition.js'

const BARE = path.join(__dirname, '../testing/bare')
const { env, stopTimeout } = readContainer()
const alb = readLoadBalancer()
// Every fifth of a second instead of every five: with the delay below, the same proportions and room on a slow machine.
const healthCheck = { path: alb.path, period: 200, failures: alb.failures }
const shortened = { ...env, DRAIN_DELAY: '5000' }

// On a machine that has more to do a Node takes seconds to start.
jest.setTimeout(120_000)

let example: Example | undefined
let ecs: Orchestrator | undefined

async function start(directory: string, variables = shortened): Promise<Orchestrator> {
  ecs = await Orchestrator.start(directory, variables, (started) => {
    example = started
  })
  return ecs
}

afterEach(() => {
  example?.kill()
  ecs?.destroy()
})

describe('examples/aws-ecs, whose task is replaced by a deploy', () => {
  it('answers while its target drains; when SIGTERM comes it ends the connections that the ALB has kept, and needs no SIGKILL', async () => {
    const task = await start(__dirname, { ...env, DRAIN_DELAY: '500' })
    const [pooled, others] = [task.traffic('kept'), task.traffic('new')]
    await Promise.all([pooled.more(3), others.more(3)])
    const inFlight = await task.halfARequest()

    pooled.sendElsewhere()
    others.sendElsewhere()
    await others.done
    task.note('deregistered')

    const answer = await inFlight.finish()
    task.note('in flight answered')
    expect(answer).toMatchObject({ status: 200, body: inFlight.body })
    // It is not told yet, and nothing else has ended: the ALB may use both until the deregistration delay is over.
    expect(answer.headers.get('connection')).toBe('keep-alive')
    expect(inFlight.client.events).toEqual(['data'])

    expect(await task.stop(stopTimeout)).toEqual({ code: 0, signal: null })
    await pooled.done
    expect(await inFlight.client.ended()).toEqual(['data', 'end', 'close'])
    expect([...pooled.lost, ...others.lost]).toEqual([])
    expect(task.happened).toEqual(['deregistered', 'in flight answered', 'SIGTERM', 'exit'])
  })
})

describe('examples/aws-ecs, which gets SIGTERM while the ALB still sends', () => {
  it('loses nothing until the health check has noticed, and finishes what is in flight', async () => {
    const task = await start(__dirname)
    const [pooled, others] = [task.traffic('kept'), task.traffic('new')]
    await Promise.all([pooled.more(3), others.more(3)])
    const inFlight = await task.halfARequest()
    expect(await task.ask(alb.path)).toBe(200)

    const exit = task.stop(stopTimeout)
    const statuses = await task.failing(healthCheck)
    expect(statuses.filter((status) => status !== 200)).toEqual([503, 503])
    task.note('unhealthy')
    await others.more(3)
    pooled.sendElsewhere()
    others.sendElsewhere()
    await others.done
    task.note('taken out')

    await task.stoppedListening()
    const answer = await inFlight.finish()
    task.note('in flight answered')
    expect(answer).toMatchObject({ status: 200, body: inFlight.body })
    expect(answer.headers.get('connection')).toBe('close')
    expect(await inFlight.client.ended()).toEqual(['data', 'end', 'close'])

    await pooled.done
    expect(await exit).toEqual({ code: 0, signal: null })
    expect([...pooled.lost, ...others.lost]).toEqual([])
    expect(task.happened).toEqual(['SIGTERM', 'unhealthy', 'taken out', 'stopped listening', 'in flight answered', 'exit'])
  })

  it('is cut without a word by SIGKILL, where stopTimeout is shorter than the drain', async () => {
    const task = await start(__dirname)
    const inFlight = await task.halfARequest()
    expect(await task.stop(1_000)).toEqual({ code: null, signal: 'SIGKILL' })
    await expect(inFlight.finish()).rejects.toThrow('no whole response')
    expect(inFlight.client.text).toBe('')
    expect(task.happened).toEqual(['SIGTERM', 'SIGKILL', 'exit'])
  })
})

describe('a bare Express server, which gets SIGTERM while the ALB still sends', () => {
  it('loses every new connection until it is taken out', async () => {
    const task = await start(BARE)
    const others = task.traffic('new')
    await others.more(3)
    expect(others.lost).toEqual([])
    // It would exit at once, and nothing else would be seen.
    await task.halfARequest()

    void task.stop(stopTimeout)
    await task.example.line(/^stopped listening/)
    await others.more(5)
    others.sendElsewhere()
    await others.done
    expect(others.lost).toContainEqual(expect.stringContaining('ECONNREFUSED'))
  })
})
