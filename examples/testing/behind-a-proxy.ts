import path from 'node:path'
import { Deployment, type ProxyCommands } from './deployment.js'

/** What differs from one proxy to the next. */
export interface Variation {
  /** Where half an upload reaches the server, rather than waiting for the other half in the proxy. */
  upload?: string
  /** What else must be so once the server no longer listens. */
  stopped?: (deployment: Deployment) => void
}

/** Starts deployments that end with the test. */
export function deployments(): typeof Deployment.start {
  let deployment: Deployment | undefined
  afterEach(async () => {
    await deployment?.end()
    deployment = undefined
  })
  return async (directory, proxy) => {
    deployment = await Deployment.start(directory, proxy)
    return deployment
  }
}

/** What every proxy's configuration must do for the servers behind it when one of them is told to go. */
export function itDeploysWithoutLoss(
  directory: string,
  proxy: ProxyCommands,
  { upload = '/echo', stopped }: Variation = {},
): void {
  const start = deployments()

  it('SIGTERM amid an upload, and with connections not accepted yet: all is answered, exit code 0, the successor is used', async () => {
    const deployment = await start(directory, proxy)
    const { which, finish } = await deployment.upload(upload, '{"half":"close"}')
    const server = deployment.server(which)
    const answers = await deployment.terminateBusy(which)
    expect(answers).toEqual(answers.map((_, id) => `200 {"order":"${id}"}`))

    await deployment.stoppedListening(which)
    stopped?.(deployment)
    await deployment.visitors.more(50)
    expect(await finish()).toMatchObject({ status: 200, body: '{"half":"close"}' })
    expect(await server.exit).toEqual({ code: 0, signal: null })

    const successor = await deployment.replace(which)
    await successor.line(/^POST/)
    await deployment.visitors.more(50)
    await deployment.visitors.stop()
    expect(deployment.visitors.lost).toEqual([])
  }, 30_000)

  it('the same with a bare Express server that closes on SIGTERM: what it had not accepted yet is answered with 502', async () => {
    const deployment = await start(path.join(__dirname, 'bare'), proxy)
    const answers = await deployment.terminateBusy(0)
    expect(answers.filter((answer) => answer.startsWith('502 ')).length).toBeGreaterThan(0)
  }, 30_000)
}
