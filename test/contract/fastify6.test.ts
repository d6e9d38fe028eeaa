import { describeContract } from './describe.js'

describeContract('fastify6')
