import { describeHttp2 } from './describe.js'

describeHttp2('fastify5h2')
