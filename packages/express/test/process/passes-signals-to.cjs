/** Tells the worker when the main thread passes signals on. */
module.exports = function passesSignalsTo(worker) {
  if (process.listenerCount('SIGTERM') > 0) worker.postMessage('passed on')
  else setTimeout(passesSignalsTo, 10, worker)
}
