/** How much of a text is printed: a client may send a path of 16 kB, and a report has twenty. */
const AT_MOST = 300

/** The client chooses the path: no character of it may control the terminal, or start a new line of the log. */
export function printable(text: string): string {
  const shown = text.length > AT_MOST ? `${text.slice(0, AT_MOST - 1)}…` : text
  return shown.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
