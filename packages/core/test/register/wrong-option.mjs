import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()
halfclose(app, { drain: { deadline: '20' } })
