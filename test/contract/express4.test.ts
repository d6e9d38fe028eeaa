import { describeContract } from './describe.js'

describeContract('express4')
