// Played by environment.test.ts in a jest of its own: tests that fail while the clock stood still, and while it did not.
const standStill = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
const played = {}
const nth = (name) => {
  played[name] = (played[name] ?? 0) + 1
  return played[name]
}

test('late once', () => {
  if (nth('late once') > 1) return
  standStill()
  throw new Error('it was late')
})

test.concurrent('late once, beside others', async () => {
  if (nth('beside') > 1) return
  standStill()
  throw new Error('it was late beside others')
})

test('in time', () => {
  if (nth('in time') === 1) throw new Error('it was wrong')
})

test('always late', () => {
  standStill()
  throw new Error(`it fails for ever, ${nth('for ever')}`)
})
