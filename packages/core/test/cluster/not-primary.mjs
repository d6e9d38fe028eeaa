import { rollingRestart } from '../../dist/esm/cluster.js'

rollingRestart().catch(({ code }) => process.send(code))
