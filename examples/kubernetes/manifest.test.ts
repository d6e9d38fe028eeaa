import { execFileSync } from 'node:child_process'
import path from 'node:path'
import type { Example } from '../testing/child.js'
import { Orchestrator } from '../testing/orchestrator.js'
import { containerOf, figuresOf, needed, readManifest } from './manifest.js'

const root = path.join(__dirname, '../..')

describe('examples/kubernetes/deployment.yaml', () => {
  it('is what the API of Kubernetes takes', () => {
    const { deployment, service } = readManifest()
    expect(deployment.kind).toBe('Deployment')
    expect(service.spec?.selector).toEqual(deployment.spec?.template.metadata?.labels)
    expect(deployment.spec?.selector.matchLabels).toEqual(deployment.spec?.template.metadata?.labels)
  })

  it.each([
    ['a grace period that is no integer', 'terminationGracePeriodSeconds: 30', 'terminationGracePeriodSeconds: 30s'],
    ['an environment variable that is no string', 'value: "5000"', 'value: 5000'],
    ['a kind that there is not', 'kind: Deployment', 'kind: Deploymnet'],
    ['a probe of a path, but no port', '              port: http\n', ''],
    ['a container without a name', '- name: hello\n          image', '- image'],
  ])('would not pass with %s', (_what, good, bad) => {
    expect(() => readManifest((text) => text.replace(good, bad))).toThrow(/^data\/|must/)
  })

  it('starts node itself, so that SIGTERM reaches it', () => {
    expect(containerOf(readManifest().deployment).command).toEqual(['node', 'server.mjs'])
  })
})

describe('examples/kubernetes/deployment.yaml, beside the policy that the server goes by', () => {
  const { deployment, service } = readManifest()
  const figures = figuresOf(deployment)
  let example: Example | undefined
  let played: Orchestrator

  beforeAll(async () => {
    played = await Orchestrator.start(__dirname, figures.env, (started) => {
      example = started
    })
  }, 60_000)

  afterAll(() => {
    example?.kill()
    played?.destroy()
  })

  it('gives it time: preStop + deadline + linger + onDrained + margin is within the grace period', async () => {
    const policy = await played.policy()
    expect(needed(figures, policy)).toBeLessThanOrEqual(figures.grace)
    // A second preStop beside the delay is what most often breaks it.
    const { deployment: slept } = readManifest((text) =>
      text.replace('          readinessProbe:', '          lifecycle: { preStop: { sleep: { seconds: 5 } } }\n$&'),
    )
    expect(figuresOf(slept).preStop).toBe(5_000)
    expect(needed(figuresOf(slept), policy)).toBeGreaterThan(figures.grace)
  })

  it('gives the probe time: period x threshold + timeout is within the delay', async () => {
    const { drain } = await played.policy()
    expect(figures.unready).toBeLessThanOrEqual(drain.delay)
    expect(drain).toMatchObject({ delay: Number(figures.env.DRAIN_DELAY), deadline: Number(figures.env.DRAIN_DEADLINE) })
  })

  it('waits once, before SIGTERM or after it', async () => {
    const { drain } = await played.policy()
    expect([figures.preStop, drain.delay].filter((ms) => ms > 0)).toHaveLength(1)
  })

  it('asks the path and the port at which the server says whether it is ready', async () => {
    const container = containerOf(deployment)
    const probe = container.readinessProbe?.httpGet
    expect(container.ports).toContainEqual({ name: probe?.port, containerPort: 3000 })
    expect(service.spec?.ports?.[0]?.targetPort).toBe(probe?.port)
    const client = await played.connect()
    expect(await client.request(`GET ${probe?.path} HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatchObject({
      status: 200,
      body: '{"ready":true,"state":"serving"}',
    })
    // It is answered before the application sees it, so that nothing of the application's can break it.
    expect(example?.lines.join('\n')).not.toContain('/ready')
  })
})

describe('docs/recipes/kubernetes.md', () => {
  it('has a timeline drawn from the figures of deployment.yaml', () => {
    execFileSync(process.execPath, [path.join(root, 'scripts/draw-kubernetes.mjs'), 'check'])
  })
})
