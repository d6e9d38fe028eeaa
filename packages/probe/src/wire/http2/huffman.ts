/**
 * The Huffman code of HPACK (RFC 7541, Appendix B). It is canonical, so the lengths define it: one digit of base 36 for each byte value, and one for
 * the end of the string.
 */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6cad67777777777777777777777878djde6f565' +
  '65666577666567655677777fbedskmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmnqqkjmnmp' +
  'qqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrqu'

/** A node of the tree, with its two branches. A number is the decoded byte. */
type Node = [zero: Node | number | undefined, one: Node | number | undefined]

const TREE = treeOf([...LENGTHS].map((digit) => Number.parseInt(digit, 36)))

function treeOf(lengths: number[]): Node {
  const root: Node = [undefined, undefined]
  const symbols = lengths.map((length, symbol) => ({ length, symbol })).sort((a, b) => a.length - b.length || a.symbol - b.symbol)
  let code = 0
  let before = 0
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - before)
    before = length
    put(root, code, length, symbol)
    code++
  }
  return root
}

function put(root: Node, code: number, length: number, symbol: number): void {
  let node = root
  for (let at = length - 1; at > 0; at--) {
    const side = (code >>> at) & 1 ? 1 : 0
    const next = node[side]
    const child: Node = typeof next === 'object' ? next : [undefined, undefined]
    node[side] = child
    node = child
  }
  node[code & 1 ? 1 : 0] = symbol
}

/** Decodes a Huffman coded string. The remaining bits of the last byte are padding. */
export function decodeHuffman(bytes: Buffer): string {
  const out: number[] = []
  let node = TREE
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const next = node[(byte >>> bit) & 1 ? 1 : 0]
      if (next === undefined || next === 256) throw new Error('a header field is not in the Huffman code of HPACK')
      if (typeof next === 'number') out.push(next)
      node = typeof next === 'number' ? TREE : next
    }
  }
  return Buffer.from(out).toString('latin1')
}
