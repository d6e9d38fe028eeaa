import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.join(__dirname, '../..')
export const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

/** Every page of the documentation that is written by hand, or rendered and checked in: paths from the root. */
export const pages: readonly string[] = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SUPPORT.md', 'SECURITY.md', 'CODE_OF_CONDUCT.md'],
  ...readdirSync(path.join(root, 'packages'))
    .map((name) => `packages/${name}/README.md`)
    .filter((page) => existsSync(path.join(root, page))),
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('.') && !name.startsWith('api/'))
    .map((name) => `docs/${name}`)
    .sort(),
]

/** Without blocks of code, indented ones included, and without code within a line. */
export function prose(text: string): string {
  return text
    .replaceAll(/^```[^\n]*\n.*?^```$/gms, '')
    .replaceAll(/^ {4,}\S.*$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '``')
}

/** What GitHub and VitePress make of a heading for its anchor. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading = ''] of text.replaceAll(/^```[^\n]*\n.*?^```$/gms, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const plain = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .trim()
      .replaceAll(' ', '-')
    let anchor = plain
    for (let again = 1; anchors.has(anchor); again++) anchor = `${plain}-${again}`
    anchors.add(anchor)
  }
  return anchors
}

/** The targets of the links and pictures of a page, those to other sites left out. */
export function linksOf(text: string): string[] {
  return [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
}
