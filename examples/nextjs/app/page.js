// Rendered anew for each request.
export const dynamic = 'force-dynamic'

export default function Page() {
  return <h1>hello, world</h1>
}
