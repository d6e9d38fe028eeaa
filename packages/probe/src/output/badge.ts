import type { Report } from '../engine/result.js'
import { scoreInWords } from './words.js'

const LABEL = 'halfclose-probe'

/** An SVG with one number per tier. */
export function badge({ scores }: Report): string {
  const text = scores.map(scoreInWords).join(' · ')
  const failed = scores.some(({ kept, applicable }) => kept < applicable)
  const [left, right] = [LABEL.length * 6.5 + 12, text.length * 6.5 + 12]
  const label = (x: number, words: string) =>
    `<text x="${x}" y="14" fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${words}</text>`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="20" role="img" aria-label="${LABEL}: ${text}">
<title>${LABEL}: ${text}</title>
<rect width="${left}" height="20" fill="#444"/><rect x="${left}" width="${right}" height="20" fill="${failed ? '#9a6700' : '#1a7f37'}"/>
${label(left / 2, LABEL)}
${label(left + right / 2, text)}
</svg>
`
}
