import type { WebhookStore } from '../../webhooks/ports.ts'
import type { SqlClient } from '../sql/sql.ts'
import { openWebhookDeliveries } from './webhook-out-deliveries.ts'
import { openWebhookEndpoints } from './webhook-out-endpoints.ts'
import { openWebhookSending } from './webhook-out-sending.ts'

export function openWebhookStore(sql: SqlClient): WebhookStore {
  return { ...openWebhookEndpoints(sql), ...openWebhookSending(sql), ...openWebhookDeliveries(sql) }
}
