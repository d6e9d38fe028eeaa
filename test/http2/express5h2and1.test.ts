import { describeHttp2 } from './describe.js'

describeHttp2('express5h2and1')
