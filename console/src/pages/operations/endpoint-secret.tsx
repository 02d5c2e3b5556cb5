import type { WebhookEndpointWithSecret } from 'fanfold/client'
import { Secret } from './secret.tsx'

interface EndpointSecretProps {
  readonly endpoint: WebhookEndpointWithSecret
  readonly title: string
  onClose(): void
}

export function EndpointSecret({ endpoint, title, onClose }: EndpointSecretProps) {
  return (
    <Secret
      title={title}
      label="Signing secret"
      secret={endpoint.secret ?? ''}
      hint="Checks the signatures of what is sent, as Standard Webhooks 1.0 says"
      onClose={onClose}
    />
  )
}
