// What failed beside hundreds of other cases is played again with few beside it, before it counts: a fault fails each time, a machine that stood still
// does not.
import { Witness } from '../support/witness.mjs'
import { isCase } from './suite.mjs'

/** ms. Of a machine that stood still for longer, an attempt says nothing. */
const LATE = 100
const ATTEMPTS = 2
const ATTEMPTS_WHILE_LATE = 5

/** @typedef {import('./suite.mjs').Found} Found */
/** @typedef {(failed: readonly Found[]) => Promise<Found[]>} Play plays those cases again */

const same = (one) => (other) => other.id === one.id && other.host === one.host

/**
 * What fails with halfclose twice. What passes at the second time becomes a pass in `found`.
 * @param {readonly Found[]} found @param {Play} playAgain @returns {Promise<Found[]>}
 */
export async function failuresOf(found, playAgain) {
  // A case that fails leaves its sockets behind, which fails the file's last test as well.
  const hostsOfCases = new Set(found.filter((one) => isCase(one) && one.letter === 'f').map(({ host }) => host))
  const failed = found.filter((one) => one.letter === 'f' && (isCase(one) || !hostsOfCases.has(one.host)))
  if (failed.length === 0) return []
  const again = await playAgain(failed)
  for (const one of failed) {
    const second = again.find(same(one))
    // A test that is no case tells only of its failure.
    if (isCase(one) ? second?.letter === 'p' : second === undefined) one.letter = 'p'
    else if (second !== undefined) one.why = second.why
  }
  const fails = failed.filter(({ letter }) => letter === 'f')
  return [...fails, ...again.filter((one) => one.letter === 'f' && !fails.some(({ host }) => host === one.host))]
}

/**
 * Where bare servers do other than is known of them. Races are lost now and then on a busy machine.
 * @param {readonly Found[]} found
 * @param {Record<string, Record<string, string>>} known case → host → letter
 * @param {Play} playAgain
 * @param {number} [attempts] that must all differ
 * @returns {Promise<Found[]>}
 */
export async function differencesOf(found, known, playAgain, attempts = ATTEMPTS) {
  const agrees = (one) => isCase(one) && (one.races === true || (known[one.id]?.[one.host] === 'p') === (one.letter === 'p'))
  const witness = new Witness()
  witness.start()
  let left = found.filter((one) => !agrees(one))
  for (let [attempt, counted] = [0, 0]; left.length > 0 && attempt < ATTEMPTS_WHILE_LATE && counted < attempts; attempt++) {
    const began = performance.now()
    const again = await playAgain(left)
    const agreed = (one) => (isCase(one) ? again.filter(agrees).some(same(one)) : !again.some(same(one)))
    left = left.filter((one) => !agreed(one))
    if (attempts === 1 || witness.latest(began) < LATE) counted++
  }
  witness.stop()
  return left
}

/** @param {Found} one of differencesOf() */
export function otherwise(one) {
  if (!isCase(one)) return one.why
  return `results.json says otherwise than ${one.letter === 'p' ? 'that it passes' : `that it fails: ${one.why}`}`
}
