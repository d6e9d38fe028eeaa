import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Policy } from '@halfclose/core'
import { Deployment } from 'kubernetes-models/apps/v1'
import { Service } from 'kubernetes-models/v1'
import { parseAllDocuments } from 'yaml'

const FILE = path.join(__dirname, 'deployment.yaml')

/** What the parts that no policy knows may take, in ms: `onDrained`, and what a busy node and a slow signal cost. */
export const CLOSING = 5_000
export const MARGIN = 3_000

/** The figures of a manifest that depend on one another, in ms. */
export interface Figures {
  grace: number
  preStop: number
  /** The longest it takes until a readiness that has turned to no is known. */
  unready: number
  env: Record<string, string>
}

/** deployment.yaml, with anything in it replaced first: the tests break it in order to see that it shows. */
export function readManifest(edit = (text: string): string => text): { deployment: Deployment; service: Service } {
  const documents = parseAllDocuments(edit(readFileSync(FILE, 'utf8'))).map((document) => document.toJS())
  const [deployment, service] = [new Deployment(documents[0]), new Service(documents[1])]
  deployment.validate()
  service.validate()
  return { deployment, service }
}

export function containerOf({ spec }: Deployment) {
  const [container] = present(spec?.template?.spec, 'pod').containers
  return present(container, 'container')
}

export function figuresOf(deployment: Deployment): Figures {
  const container = containerOf(deployment)
  const { periodSeconds, failureThreshold, timeoutSeconds } = present(container.readinessProbe, 'readinessProbe')
  const grace = present(deployment.spec?.template?.spec?.terminationGracePeriodSeconds, 'terminationGracePeriodSeconds')
  return {
    grace: grace * 1_000,
    preStop: (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000,
    unready:
      (present(periodSeconds, 'periodSeconds') * present(failureThreshold, 'failureThreshold') +
        present(timeoutSeconds, 'timeoutSeconds')) *
      1_000,
    env: Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? ''])),
  }
}

/** Milliseconds from the deletion of the pod until the process has ended, at the worst. The deadline has the delay in it. */
export function needed({ preStop }: Figures, { drain, linger }: Policy): number {
  return preStop + drain.deadline + linger.quiet + CLOSING + MARGIN
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`deployment.yaml has no ${what}`)
  return value
}
