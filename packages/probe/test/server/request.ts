/** A request's head, parsed. */
export interface Request {
  method: string
  path: string
  version: string
  /** The lines as they came. */
  fields: string[]
  /** All values of a field, in lower case. */
  values(name: string): string[]
}

export function parseHead(text: string): Request {
  const [line = '', ...fields] = text.split('\r\n')
  const [method = '', path = '', version = ''] = line.split(' ')
  const values = (name: string) =>
    fields.flatMap((field) => {
      const colon = field.indexOf(':')
      return field.slice(0, colon).toLowerCase() === name
        ? [
            field
              .slice(colon + 1)
              .trim()
              .toLowerCase(),
          ]
        : []
    })
  return { method, path, version, fields, values }
}

/** The options of all Connection fields. */
export const connectionOptions = (request: Request): string[] =>
  request.values('connection').flatMap((value) => value.split(',').map((option) => option.trim()))

/** In which of the forms of its checks a request says close; undefined: it does not. */
export function closeForm(request: Request): 'plain' | 'case' | 'list' | 'two-lines' | 'beside-keep-alive' | undefined {
  if (!connectionOptions(request).includes('close')) return undefined
  const lines = request.fields.filter((field) => /^connection:/i.test(field))
  const [line = ''] = lines
  if (lines.length > 1) return 'two-lines'
  if (/keep-alive/.test(line)) return 'beside-keep-alive'
  if (line.includes(',')) return 'list'
  return line === 'Connection: close' ? 'plain' : 'case'
}

/** How the body is framed; 'bad': nobody can say. */
export function bodyLength(request: Request): number | 'bad' {
  const lengths = request.values('content-length')
  if (lengths.some((length) => !/^\d+$/.test(length)) || new Set(lengths).size > 1) return 'bad'
  return Number(lengths[0] ?? 0)
}
