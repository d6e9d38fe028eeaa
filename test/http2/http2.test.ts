import { describeHttp2 } from './describe.js'

describeHttp2('http2')
