import type { Payments } from '../../src/payments/payments.ts'
import type { Sandbox } from '../../src/processors/sandbox/sandbox.ts'
import type { SignedWebhook } from '../../src/processors/sandbox/webhook.ts'
import type { PaymentBench } from './payments.ts'

/** By the door that all webhooks take. */
export function receive(payments: Payments, processor: string, { headers, body }: SignedWebhook) {
  return payments.receiveWebhook(processor, { headers, body: Buffer.from(body) })
}

/** Moves time on, has the sandboxes do and tell what is due, and the worker apply it, until nothing is left. */
export async function letSandboxesTell(
  bench: Pick<PaymentBench, 'clock'>,
  payments: Payments,
  sandboxes: readonly Sandbox[],
  ms: number,
): Promise<void> {
  await bench.clock.advance(ms)
  for (const sandbox of sandboxes)
    while ((await sandbox.deliverDue((webhook) => receive(payments, sandbox.name, webhook))) > 0);
  while ((await payments.recovery.runDue()) > 0);
}
