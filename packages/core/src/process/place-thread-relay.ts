import type { Runtime } from 'node:inspector'
import { RELAY } from './thread-relay-script.js'

/**
 * Puts the relay into the main thread, by the inspector: a worker thread has no other public way to run code there. No debugger is needed or
 * attached, and no port is opened. It rejects if there is no inspector, or if it may not be used.
 */
export async function placeRelay(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  try {
    await new Promise<void>((resolve, reject) => {
      session.post('Runtime.evaluate', { expression: RELAY, returnByValue: true }, (error, answer) => {
        if (error !== null) reject(error)
        else if (answer.exceptionDetails !== undefined) reject(new Error(reasonOf(answer.exceptionDetails)))
        else resolve()
      })
    })
  } finally {
    session.disconnect()
  }
}

/** `text` alone is "Uncaught". */
function reasonOf({ text, exception }: Runtime.ExceptionDetails): string {
  return exception?.description ?? text
}
