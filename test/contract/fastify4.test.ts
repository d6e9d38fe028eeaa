import { describeContract } from './describe.js'

describeContract('fastify4')
