export { type Ending, Response, ResponseParser } from 'halfclose-probe/wire'
