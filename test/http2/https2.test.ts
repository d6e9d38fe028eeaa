import { describeHttp2 } from './describe.js'

describeHttp2('https2')
