import { useState } from 'react'
import { SCOPES, type Scope } from '../../../../src/http/scopes.ts'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { CommandForm } from '../../ui/command-form.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { KEYS_KEY } from './keys.tsx'
import { Secret } from './secret.tsx'

const MEANING: Readonly<Record<Scope, string>> = {
  admin: 'everything',
  'admin:read': 'state, keys, webhooks, jobs; reading only',
  social: 'users, posts, timelines',
  'social:read': 'the same, reading only',
  orders: 'products, stock, customers, orders',
  'orders:read': 'the same, reading only',
  payments: 'payments, operations, disputes',
  'payments:read': 'the same, reading only',
  reports: 'sales reports',
  'reports:read': 'the same',
}

export function NewKey({ onClose }: { onClose(): void }) {
  const { client } = useSession()
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<readonly Scope[]>([])
  const [secret, setSecret] = useState<string>()
  if (secret !== undefined) {
    const hint = 'Sent with each request: Authorization: Bearer <key>'
    return <Secret title="The key is made" label="API key" secret={secret} hint={hint} onClose={onClose} />
  }
  const toggle = (scope: Scope) =>
    setScopes(scopes.includes(scope) ? scopes.filter((one) => one !== scope) : [...scopes, scope])
  const body = { name: name.trim(), scopes: [...scopes] }
  return (
    <Dialog title="New API key" onClose={onClose}>
      <CommandForm
        submit="Make key"
        asks={body}
        run={() => client.post('/v1/keys', { body })}
        refresh={[KEYS_KEY]}
        done={`The key ${body.name} is in force`}
        onDone={(made) => setSecret(made.secret)}
      >
        {(error) => (
          <>
            <Field label="Name" hint="What the key is for" error={fieldError(error, '/name')}>
              <input required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
            </Field>
            <fieldset className="stack" aria-describedby="new-key-scopes">
              <legend className="field-label">Scopes</legend>
              {SCOPES.map((scope) => (
                <label key={scope} className="check-row">
                  <input type="checkbox" checked={scopes.includes(scope)} onChange={() => toggle(scope)} />
                  <code>{scope}</code> <span className="soft small">{MEANING[scope]}</span>
                </label>
              ))}
              <span id="new-key-scopes" className="field-error">
                {fieldError(error, '/scopes')}
              </span>
            </fieldset>
          </>
        )}
      </CommandForm>
    </Dialog>
  )
}
