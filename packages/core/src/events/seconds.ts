/** `1.5 s`, for lines of the log. */
export function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`
}
