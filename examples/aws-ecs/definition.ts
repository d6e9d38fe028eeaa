import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Policy } from '@halfclose/core'
import { parse } from 'yaml'
import { each, integer, oneOf, only, shape, text } from '../testing/shape.js'

/** What the parts that no policy knows may take, in ms: `onDrained`, and what a busy machine and a slow signal cost. */
export const CLOSING = 5_000
export const MARGIN = 3_000

// No package that is at hand brings a schema, so this is a check of our own, of the fields that the two files use: no other may be there, none
// may be missing. The bounds are those of RegisterTaskDefinition, CreateTargetGroup, and of the attributes' documentation.
const taskDefinition = shape({
  family: text(/^[\w-]{1,255}$/),
  requiresCompatibilities: each(only('FARGATE')),
  networkMode: only('awsvpc'),
  cpu: only('256'),
  memory: oneOf('512', '1024', '2048'),
  containerDefinitions: each(
    shape({
      name: text(/^[\w-]{1,255}$/),
      image: text(/^[\w.:/@-]{1,255}$/),
      essential: only(true),
      command: each(text(/./)),
      environment: each(shape({ name: text(/^\w+$/), value: text(/^/) })),
      portMappings: each(shape({ containerPort: integer(1, 65_535), protocol: only('tcp') })),
      // Fargate's bounds; on EC2 it may be longer.
      stopTimeout: integer(2, 120),
    }),
  ),
})

const reference = (name: string) => shape({ Ref: only(name) })
const resource = <T>(type: string, properties: (value: unknown, at: string) => T) =>
  shape({ Type: only(`AWS::ElasticLoadBalancingV2::${type}`), Properties: properties })
/** The values of attributes are strings. */
const seconds = (least: number, most: number) => (value: unknown, at: string) =>
  integer(least, most)(Number(text(/^\d+$/)(value, at)), at)

const template = shape({
  AWSTemplateFormatVersion: only('2010-09-09'),
  Parameters: shape({
    Vpc: shape({ Type: only('AWS::EC2::VPC::Id') }),
    Subnets: shape({ Type: only('List<AWS::EC2::Subnet::Id>') }),
  }),
  Resources: shape({
    LoadBalancer: resource(
      'LoadBalancer',
      shape({
        Type: only('application'),
        Subnets: reference('Subnets'),
        LoadBalancerAttributes: each(shape({ Key: only('idle_timeout.timeout_seconds'), Value: seconds(1, 4_000) })),
      }),
    ),
    Listener: resource(
      'Listener',
      shape({
        LoadBalancerArn: reference('LoadBalancer'),
        Port: integer(1, 65_535),
        Protocol: only('HTTP'),
        DefaultActions: each(shape({ Type: only('forward'), TargetGroupArn: reference('TargetGroup') })),
      }),
    ),
    TargetGroup: resource(
      'TargetGroup',
      shape({
        VpcId: reference('Vpc'),
        TargetType: only('ip'),
        Port: integer(1, 65_535),
        Protocol: only('HTTP'),
        HealthCheckPath: text(/^\/.{0,1023}$/),
        HealthCheckIntervalSeconds: integer(5, 300),
        UnhealthyThresholdCount: integer(2, 10),
        HealthCheckTimeoutSeconds: integer(2, 120),
        Matcher: shape({ HttpCode: text(/^[2-4]\d\d$/) }),
        TargetGroupAttributes: each(shape({ Key: only('deregistration_delay.timeout_seconds'), Value: seconds(0, 3_600) })),
      }),
    ),
  }),
})

const read = (file: string, edit: (text: string) => string) => edit(readFileSync(path.join(__dirname, file), 'utf8'))
const same = (given: string) => given

/** The container of task-definition.json, with anything in the file replaced first: the tests break it in order to see that it shows. */
export function readContainer(edit = same) {
  const { containerDefinitions } = taskDefinition(JSON.parse(read('task-definition.json', edit)), 'task-definition.json')
  const [container] = containerDefinitions
  if (container === undefined) throw new Error('task-definition.json: no container')
  const env = Object.fromEntries(container.environment.map(({ name, value }) => [name, value]))
  return { ...container, env, stopTimeout: container.stopTimeout * 1_000 }
}

/** The figures of load-balancer.yaml, in ms. */
export function readLoadBalancer(edit = same) {
  const { LoadBalancer, TargetGroup } = template(parse(read('load-balancer.yaml', edit)), 'load-balancer.yaml').Resources
  const { HealthCheckIntervalSeconds, UnhealthyThresholdCount, HealthCheckTimeoutSeconds, ...group } = TargetGroup.Properties
  return {
    port: group.Port,
    path: group.HealthCheckPath,
    failures: UnhealthyThresholdCount,
    /** The longest it takes until a target that says no is known to. */
    unhealthy: (HealthCheckIntervalSeconds * UnhealthyThresholdCount + HealthCheckTimeoutSeconds) * 1_000,
    idle: (LoadBalancer.Properties.LoadBalancerAttributes[0]?.Value ?? 0) * 1_000,
    deregistration: (group.TargetGroupAttributes[0]?.Value ?? 0) * 1_000,
  }
}

/** Milliseconds from SIGTERM until the process has ended, at the worst. The deadline has the delay in it. */
export function needed({ drain, linger }: Policy): number {
  return drain.deadline + linger.quiet + CLOSING + MARGIN
}
