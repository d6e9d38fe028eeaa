import type { Example } from '../testing/child.js'
import { Orchestrator } from '../testing/orchestrator.js'
import { needed, readContainer, readLoadBalancer } from './definition.js'

describe('examples/aws-ecs/task-definition.json', () => {
  it('has the fields that ECS knows, within the bounds of Fargate', () => {
    expect(readContainer()).toMatchObject({ name: 'hello', stopTimeout: 40_000 })
  })

  it('starts node itself, so that SIGTERM reaches it', () => {
    expect(readContainer().command).toEqual(['node', 'server.mjs'])
  })

  it.each([
    ['a stopTimeout over what Fargate allows', '"stopTimeout": 40', '"stopTimeout": 121', 'stopTimeout must be an integer'],
    ['a field that there is not', '"stopTimeout"', '"stopTimeOut"', 'stopTimeOut is no field'],
    ['an environment variable that is no string', '"12000"', '12000', 'environment[1].value must be a string'],
    ['a command that is one string', '["node", "server.mjs"]', '"npm start"', 'command must be a list'],
  ])('would not pass with %s', (_what, good, bad, message) => {
    expect(() => readContainer((given) => given.replace(good, bad))).toThrow(message)
  })
})

describe('examples/aws-ecs/load-balancer.yaml', () => {
  it('has the fields that Elastic Load Balancing knows, within their bounds', () => {
    expect(readLoadBalancer()).toMatchObject({ idle: 60_000, deregistration: 15_000, failures: 2 })
  })

  it.each([
    [
      'a health check more often than every 5 s',
      'IntervalSeconds: 5',
      'IntervalSeconds: 4',
      'HealthCheckIntervalSeconds must be',
    ],
    ['an attribute that there is not', 'deregistration_delay.timeout_seconds', 'deregistration_delay', 'Key must be'],
    ['an attribute that is no string', 'Value: "15"', 'Value: 15', 'Value must be a string'],
  ])('would not pass with %s', (_what, good, bad, message) => {
    expect(() => readLoadBalancer((given) => given.replace(good, bad))).toThrow(message)
  })
})

describe('examples/aws-ecs, its two files beside the policy that the server goes by', () => {
  const container = readContainer()
  const alb = readLoadBalancer()
  /** The notice of an interruption on Fargate Spot. */
  const SPOT = 120_000
  let example: Example | undefined
  let played: Orchestrator

  beforeAll(async () => {
    played = await Orchestrator.start(__dirname, container.env, (started) => {
      example = started
    })
  }, 60_000)

  afterAll(() => {
    example?.kill()
    played?.destroy()
  })

  it('keeps an idle connection longer than the ALB does, and promises no more than it did', async () => {
    const { keepAlive } = await played.policy()
    expect(keepAlive).toMatchObject({ hold: alb.idle + 5_000, timeout: 5_000 })
    const client = await played.connect()
    const { headers } = await client.request('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(headers.get('keep-alive')).toBe('timeout=5')
  })

  it('gives it time: deadline + linger + onDrained + margin is within stopTimeout', async () => {
    const policy = await played.policy()
    expect(needed(policy)).toBeLessThanOrEqual(container.stopTimeout)
    // What there would be without the line in the task definition.
    expect(needed(policy)).toBeGreaterThan(30_000)
  })

  it('gives the health check time: interval x threshold + timeout is within the delay', async () => {
    const { drain } = await played.policy()
    expect(alb.unhealthy).toBeLessThanOrEqual(drain.delay)
    expect(drain).toMatchObject({ delay: Number(container.env.DRAIN_DELAY), deadline: Number(container.env.DRAIN_DEADLINE) })
  })

  it('gives a request the same time before SIGTERM and after it, and both fit into the notice of Fargate Spot', async () => {
    const { drain } = await played.policy()
    expect(alb.deregistration).toBe(drain.deadline - drain.delay)
    expect(alb.deregistration + container.stopTimeout).toBeLessThanOrEqual(SPOT)
  })

  it('asks the port and the path at which the server says whether it is ready', async () => {
    expect(container.portMappings).toEqual([{ containerPort: alb.port, protocol: 'tcp' }])
    expect(await played.ask(alb.path)).toBe(200)
    expect(example?.lines.join('\n')).not.toContain(alb.path)
  })
})
