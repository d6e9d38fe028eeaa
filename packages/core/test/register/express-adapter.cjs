const { halfclose } = require('@halfclose/express')
const express = require('express')

const app = express()
halfclose(app)
app.post('/upload', (request, response) => {
  console.log('arrived')
  let bytes = 0
  request.on('data', (chunk) => {
    bytes += chunk.length
  })
  request.on('end', () => response.send(`${bytes} bytes`))
})
const server = app.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`))
