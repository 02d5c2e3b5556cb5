import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { AppError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { Routes } from './route.ts'

/** Where the build puts the console. */
const FOLDER = new URL('../../dist-console/', import.meta.url).pathname

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
const ASSET_MS = 365 * 24 * 60 * 60 * 1_000

/** The console under `/console`: files of the package, and what it must know before anybody signs in. */
export function consoleRoutes(settings: { readonly storeTimeZone: string }): Routes {
  return (app) => {
    app.register(fastifyStatic, { root: FOLDER, serve: false, preCompressed: true, cacheControl: false })
    const options = { config: { scope: 'public' as const }, schema: { hide: true } }

    function send(reply: FastifyReply, path: string): FastifyReply {
      const isAsset = path.startsWith('assets/')
      reply.headers({ ...HEADERS, 'cache-control': isAsset ? `max-age=${ASSET_MS / 1_000}, immutable` : 'no-cache' })
      return reply.sendFile(path)
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
