/** `212 kB`, `1.4 MB`, for lines of the log. */
export function size(bytes: number): string {
  return bytes < 999_500 ? `${Math.ceil(bytes / 1_000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
