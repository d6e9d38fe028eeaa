const AT_LEAST = 32 * 1024 * 1024
let filler: Buffer | undefined

/** So many bytes `x`, for a body that nobody changes. All bodies of a test file are parts of one buffer: to fill tens of megabytes for each of them takes long. */
export function filled(length: number): Buffer {
  if (filler === undefined || filler.length < length) filler = Buffer.alloc(Math.max(AT_LEAST, length), 'x')
  return filler.subarray(0, length)
}
