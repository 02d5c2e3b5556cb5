import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import type {
  Audience,
  DisabledReason,
  Endpoint,
  EndpointState,
  LogStarts,
  WebhookStore,
} from '../../webhooks/ports.ts'
import { once } from '../sql/idempotency.ts'
import { onlyRow, type SqlClient, type SqlParam } from '../sql/sql.ts'

const COLUMNS = `endpoint_id, url, event_types, description, disabled_reason, disabled_at, failing_since, secret,
  secret_created_at, old_secret, old_secret_until, starts, version, created_at, updated_at`

// Endpoints are made so seldom that one at a time costs nothing, and then their number can be counted.
const ONE_AT_A_TIME = 'lock table webhook_endpoints in share row exclusive mode'
const COUNT = 'select count(*)::int as endpoints from webhook_endpoints where deleted_at is null'

const INSERT = `
insert into webhook_endpoints (endpoint_id, version, created_at, updated_at, url, event_types, description, active,
  disabled_reason, disabled_at, failing_since, secret, secret_created_at, old_secret, old_secret_until, starts)
values ($1, 1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
returning ${COLUMNS}`

const LOCK = `select ${COLUMNS} from webhook_endpoints where endpoint_id = $1 and deleted_at is null for update`

const UPDATE = `
update webhook_endpoints set version = version + 1, updated_at = $2, url = $3, event_types = $4, description = $5,
  active = $6, disabled_reason = $7, disabled_at = $8, failing_since = $9, secret = $10, secret_created_at = $11,
  old_secret = $12, old_secret_until = $13, starts = $14
where endpoint_id = $1 returning ${COLUMNS}`

const FIND = `select ${COLUMNS} from webhook_endpoints where endpoint_id = $1 and deleted_at is null`

const LIST = `
select ${COLUMNS} from webhook_endpoints where deleted_at is null and endpoint_id > $1 order by endpoint_id limit $2`

const REMOVE = `
update webhook_endpoints set version = version + 1, updated_at = $2, deleted_at = $2, url = '', description = null,
  active = false, disabled_reason = 'request', disabled_at = $2, secret = '', old_secret = null, old_secret_until = null
where endpoint_id = $1 and deleted_at is null returning endpoint_id`

const AUDIENCES = 'select endpoint_id, event_types, starts from webhook_endpoints where active order by endpoint_id'

interface EndpointRow {
  endpoint_id: string
  url: string
  event_types: string[]
  description: string | null
  disabled_reason: DisabledReason | null
  disabled_at: Date | null
  failing_since: Date | null
  secret: Uint8Array
  secret_created_at: Date
  old_secret: Uint8Array | null
  old_secret_until: Date | null
  starts: LogStarts
  version: number
  created_at: Date
  updated_at: Date
}

function toEndpoint(row: EndpointRow): Endpoint {
  const { disabled_reason: reason, disabled_at: at } = row
  return {
    endpointId: row.endpoint_id,
    url: row.url,
    eventTypes: row.event_types,
    description: row.description ?? undefined,
    disabled: reason === null || at === null ? undefined : { reason, atMs: at.getTime() },
    failingSinceMs: row.failing_since?.getTime(),
    secret: row.secret,
    secretCreatedAtMs: row.secret_created_at.getTime(),
    oldSecret: row.old_secret ?? undefined,
    oldSecretUntilMs: row.old_secret_until?.getTime(),
    starts: row.starts,
    version: row.version,
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  }
}

const dateOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms))

/** In the order in which both statements name them. */
const valuesOf = (state: EndpointState): SqlParam[] => [
  state.url,
  state.eventTypes,
  state.description,
  state.disabled === undefined,
  state.disabled?.reason,
  dateOf(state.disabled?.atMs),
  dateOf(state.failingSinceMs),
  state.secret,
  new Date(state.secretCreatedAtMs),
  state.oldSecret,
  dateOf(state.oldSecretUntilMs),
  state.starts,
]

type EndpointStore = Pick<WebhookStore, 'create' | 'change' | 'find' | 'list' | 'remove' | 'audiences'>

export function openWebhookEndpoints(sql: SqlClient): EndpointStore {
  return {
    create(endpoint, key, present) {
      return sql.transaction((tx) =>
        once(tx, key, async () => {
          await tx.query(ONE_AT_A_TIME)
          const { endpoints } = onlyRow(await tx.query<{ endpoints: number }>(COUNT))
          if (endpoints >= LIMITS.webhookEndpointsMax)
            throw new AppError(
              'too_many_webhook_endpoints',
              `There are ${endpoints} webhook endpoints, as many as there may be; delete one first`,
            )
          const { endpointId, createdAtMs } = endpoint
          const values = [endpointId, new Date(createdAtMs), ...valuesOf(endpoint)]
          return present(toEndpoint(onlyRow(await tx.query<EndpointRow>(INSERT, values))))
        }),
      )
    },
    change(endpointId, key, decide, nowMs, present) {
      return sql.transaction(async (tx) => {
        const [row] = await tx.query<EndpointRow>(LOCK, [endpointId])
        if (row === undefined) return undefined
        return once(tx, key, async () => {
          const values = [endpointId, new Date(nowMs), ...valuesOf(decide(toEndpoint(row)))]
          return present(toEndpoint(onlyRow(await tx.query<EndpointRow>(UPDATE, values))))
        })
      })
    },
    async find(endpointId) {
      const [row] = await sql.query<EndpointRow>(FIND, [endpointId])
      return row === undefined ? undefined : toEndpoint(row)
    },
    async list(after, limit) {
      return (await sql.query<EndpointRow>(LIST, [after ?? '', limit])).map(toEndpoint)
    },
    async remove(endpointId, nowMs) {
      return (await sql.query(REMOVE, [endpointId, new Date(nowMs)])).length === 1
    },
    async audiences() {
      const rows = await sql.query<{ endpoint_id: string; event_types: string[]; starts: LogStarts }>(AUDIENCES)
      return rows.map(
        (row): Audience => ({ endpointId: row.endpoint_id, eventTypes: row.event_types, starts: row.starts }),
      )
    },
  }
}
