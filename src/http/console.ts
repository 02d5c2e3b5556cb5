import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { AppError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { Routes } from './route.ts'

/** Where the build puts the console. */
const FOLDER = fileURLToPath(new URL('../../dist-console/', import.meta.url))

/** Everything comes from this server, and nothing is asked of another one; styles are set by scripts as properties only. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
}

/** Names of assets hold a hash of what is in them. */
const ASSET = { cacheControl: true, maxAge: 365 * 24 * 60 * 60 * 1_000, immutable: true }

/** The console under `/console`: files of the package, and what it must know before anybody signs in. */
export function consoleRoutes(settings: { readonly storeTimeZone: string }): Routes {
  return (app) => {
    app.register(fastifyStatic, { root: FOLDER, serve: false, preCompressed: true, cacheControl: false })
    const options = { config: { scope: 'public' as const }, schema: { hide: true } }

    function send(reply: FastifyReply, path: string): FastifyReply {
      reply.headers({ ...HEADERS, 'cache-control': 'no-cache' })
      // Only a file that is there may be kept: while a new version is rolled out, some servers lack its assets.
      return reply.sendFile(path, path.startsWith('assets/') ? ASSET : {})
    }

    app.get('/console', options, async (_request, reply) => reply.redirect('/console/'))
    app.get('/console/settings.json', options, async (_request, reply) =>
      reply.header('cache-control', 'no-cache').send({ version: VERSION, store_time_zone: settings.storeTimeZone }),
    )
    app.get('/console/*', options, async (request, reply) => {
      const path = (request.params as { '*': string })['*']
      if (extname(path) !== '') return send(reply, path)
      if (!existsSync(join(FOLDER, 'index.html')))
        throw new AppError('route_not_found', 'The console is not built; run: npm run build')
      // Pages of the console have addresses of their own.
      return send(reply, 'index.html')
    })
  }
}
