import { describeContract } from './describe.js'

describeContract('https')
