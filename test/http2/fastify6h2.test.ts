import { describeHttp2 } from './describe.js'

describeHttp2('fastify6h2')
