import { describeContract } from './describe.js'

describeContract('fastify5')
