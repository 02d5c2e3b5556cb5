/**
 * The server's error numbers as the SQLSTATEs that the SQL layer knows: it sorts and names failures by them, whatever the
 * engine. The server's own are too coarse for that: 23000 is any constraint, HY000 nearly anything.
 */
const SQLSTATES: Readonly<Record<number, string>> = {
  1062: '23505', // duplicate entry
  1586: '23505', // duplicate entry, with the key's name
  4025: '23514', // check, MariaDB
  3819: '23514', // check, MySQL
  1048: '23502', // not null
  1644: '23001', // signalled by a trigger
  1213: '40P01', // deadlock
  1205: '55P03', // lock wait timeout
  1020: '40001', // the row has changed since the snapshot
  1969: '57014', // statement timeout, MariaDB
  3024: '57014', // statement timeout, MySQL
  1317: '57014', // query interrupted
  1040: '53300', // too many connections
  1203: '53300', // too many connections of this user
  1053: '57P01', // shutdown in progress
  1927: '57P01', // connection killed
  4031: '57P01', // disconnected for idling
  1045: '28P01', // wrong password
  1698: '28P01', // wrong password, by plugin
  1044: '42501', // no right to the database
  1142: '42501', // no right to the table
  1143: '42501', // no right to the column
  1227: '42501', // no such privilege
  1370: '42501', // no right to the routine
  1049: '3D000', // unknown database
  1146: '42P01', // unknown table
}

/** SQLSTATE class 08: the connection broke, and nobody knows what became of the statement. */
const LOST = '08006'
const LOST_CODES = new Set([LOST, 'PROTOCOL_SEQUENCE_TIMEOUT'])
/** Nobody let us in, and nothing was sent. */
const NOT_CONNECTED = '57P03'
const UNREACHABLE_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH'])

/** A failure of the driver. */
export interface DriverError extends Error {
  code?: string
  errno?: number
  /** As the server sent it. */
  sqlState?: string
  constraint?: string
  fatal?: boolean
}

const CONSTRAINT =
  /for key '(?:[^']*\.)?([^'.]+)'|CONSTRAINT `(?:[^`]*\.)?([^`.]+)` failed|constraint '([^']+)' is violated/i

/** Gives a failure of the driver its SQLSTATE, as `code`, and the name of the constraint that it is about. */
export function withSqlState(error: unknown, isConnecting = false): unknown {
  if (!(error instanceof Error)) return error
  const failure: DriverError = error
  const known = failure.errno === undefined ? undefined : SQLSTATES[failure.errno]
  if (known !== undefined) {
    failure.code = known
    const named = CONSTRAINT.exec(failure.message)
    const constraint = named?.slice(1).find((name) => name !== undefined)
    if (constraint !== undefined) failure.constraint = constraint
  } else if (isConnecting) {
    if (!UNREACHABLE_CODES.has(failure.code ?? '') && !(failure.errno !== undefined && failure.errno > 0)) {
      failure.code = NOT_CONNECTED
    }
  } else if (isLost(failure)) failure.code = LOST
  // Coarse, but it tells a fault of the data from one of the server: a disk that is full, no memory.
  else if (failure.sqlState !== undefined) failure.code = failure.sqlState
  return failure
}

/** The connection is of no more use: also one whose answer did not come in time, on which the statement may go on. */
export const isLost = (error: DriverError) =>
  error.fatal === true || LOST_CODES.has(error.code ?? '') || /closed state/.test(error.message)
