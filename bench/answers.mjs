/** The other end of child.mjs: answers what this process is asked, and ends it when the benchmark has ended, in whatever way. */
export function answerBy(commands) {
  process.on('message', async ({ id, command, ...rest }) => {
    try {
      process.send({ id, value: await commands[command](rest) })
    } catch (error) {
      process.send({ id, error: String(error.stack) })
    }
  })
  process.on('disconnect', () => process.exit(1))
}
