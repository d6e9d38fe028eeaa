import { after } from 'next/server'

export async function POST(request) {
  console.log('POST /api/echo')
  after(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    console.log('after /api/echo')
  })
  return Response.json(await request.json())
}
