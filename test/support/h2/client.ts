export { Answer, FrameClient, type FrameClientOptions, type RequestOptions } from 'halfclose-probe/wire'
