import { rollingRestart } from '../../dist/esm/cluster/index.js'

rollingRestart().catch(({ code }) => process.send(code))
