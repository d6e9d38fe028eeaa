import { describeContract } from './describe.js'

describeContract('http')
