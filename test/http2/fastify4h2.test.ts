import { describeHttp2 } from './describe.js'

describeHttp2('fastify4h2')
