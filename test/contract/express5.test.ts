import { describeContract } from './describe.js'

describeContract('express5')
