/** The version of this package. */
export { version } from './version.js'
