import { describeHttp2 } from './describe.js'

describeHttp2('express4h2and1')
