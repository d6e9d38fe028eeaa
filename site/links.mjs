import { existsSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const root = join(import.meta.dirname, '..')
const docs = join(root, 'docs')
export const REPOSITORY = 'https://github.com/halfclose/halfclose/blob/main/'

/** Pages that are whole by themselves: the build copies them. */
export const COPIED = ['probe/index.html', 'demo.html']

const isShown = (file) => /\.(md|svg|png)$/.test(file) || COPIED.some((name) => file === join(docs, name))

/**
 * The pages are written for GitHub: their links lead to files beside them. On the site a link to a page of docs/ stays as it is; one to any
 * other file leads to the repository. The first page is README.md, which stands one folder higher.
 */
export function repositoryLinks(markdown) {
  markdown.core.ruler.push('repository-links', ({ tokens, env }) => {
    const isReadme = env.relativePath === 'index.md'
    const from = isReadme ? root : dirname(join(docs, env.relativePath ?? ''))
    const target = (href) => {
      if (/^[a-z]+:|^#|^\/\//.test(href)) return href
      const [path, anchor] = href.split('#')
      const file = join(from, decodeURI(path))
      const inside = relative(docs, file)
      const hash = anchor === undefined ? '' : `#${anchor}`
      if (file === join(root, 'README.md')) return `${relative(dirname(env.relativePath), 'index.md') || 'index.md'}${hash}`
      const isPage = !inside.startsWith('..') && (existsSync(file) ? isShown(file) : inside.startsWith('api/'))
      if (!isPage) return `${REPOSITORY}${relative(root, file)}${hash}`
      return isReadme ? `./${inside}${hash}` : href
    }
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const name = token.type === 'link_open' ? 'href' : token.type === 'image' ? 'src' : undefined
        const value = name && token.attrGet(name)
        if (value) token.attrSet(name, target(value))
        // Else VitePress would look for a page of its own there.
        if (COPIED.some((page) => value?.endsWith(page))) token.attrSet('target', '_self')
      }
    }
  })
}
