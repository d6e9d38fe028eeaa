// Says as JSON whether what the core keeps has the shape of a tick of Node. Needs --allow-natives-syntax.
import { executionAsyncResource } from 'node:async_hooks'
import { tickLike } from '../../dist/esm/node/v8-next-tick-shape.js'

const haveSameMap = new Function('one', 'other', 'return %HaveSameMap(one, other)')
const like = tickLike()
process.nextTick(() => {
  const tick = executionAsyncResource()
  const keysOf = (object) => Reflect.ownKeys(object).map(String)
  console.log(JSON.stringify({ like: keysOf(like), tick: keysOf(tick), same: haveSameMap(like, tick) }))
})
