/** The client chooses the path: no character of it may control the terminal, or start a new line of the log. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
