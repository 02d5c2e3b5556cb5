import { AppError, messageOf } from '../../core/errors.ts'
import { sqlState } from '../sql/sql.ts'
import type { MysqlTarget } from './client-mysql2.ts'

const DEFAULT_PORT = 3306
/** `?tls=`: whether the connection is encrypted, and whether the server's certificate must be one of a known authority. */
const TLS = { off: undefined, encrypt: { rejectUnauthorized: false }, verify: { rejectUnauthorized: true } } as const

/** What a URL says. Throws `invalid_config` for what can't be meant. */
export function targetOf(url: URL): MysqlTarget {
  const refuse = (problem: string): never => {
    throw new AppError('invalid_config', `${shownUrl(url)}: ${problem}`)
  }
  for (const name of url.searchParams.keys()) {
    if (name === 'nodes') refuse('several hosts are not known here; name the primary, or a proxy that finds it')
    if (name !== 'tls') refuse(`?${name}= is not known; known: tls`)
  }
  const tls = url.searchParams.get('tls') ?? 'off'
  if (!(tls in TLS)) refuse(`?tls=${tls} is not known; known: ${Object.keys(TLS).join(', ')}`)
  const database = decodeURIComponent(url.pathname.slice(1))
  if (database === '' || database.includes('/')) refuse('name the database: mysql://user:password@host:3306/database')
  return {
    host: decodeURIComponent(url.hostname.replace(/^\[|\]$/g, '')) || '127.0.0.1',
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
    ssl: TLS[tls as keyof typeof TLS],
  }
}

/** The URL without its password. */
export function shownUrl(url: URL): string {
  const shown = new URL(url)
  if (shown.password !== '') shown.password = '***'
  return shown.href
}

/** Why nobody let us in, and what to do about it. */
export function refusalOf(error: unknown, url: URL, target: MysqlTarget): AppError {
  const at = `${shownUrl(url)}`
  const place = `${target.host}:${target.port}`
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: `nobody listens on ${place}; start the server, or correct host and port`,
    ENOTFOUND: `no host is named ${target.host}; correct the URL`,
    ETIMEDOUT: `${place} does not answer; is it the right address, and open to this machine?`,
    '28P01': `user "${target.user}" or the password is wrong; correct the URL, or create the user`,
    '42501': `user "${target.user}" may not use the database; as an administrator: grant all on ${target.database}.* to it`,
    '3D000': `there is no database "${target.database}"; as an administrator: create database ${target.database}`,
    '53300': `all connections of the server are taken; raise its max_connections or lower FANFOLD_POOL_SIZE`,
  }
  const reason = reasons[sqlState(error)] ?? messageOf(error)
  return new AppError('engine_unreachable', `${at}: ${reason}`, { cause: error })
}
