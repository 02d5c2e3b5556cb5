import { type FormEvent, useState } from 'react'
import { useDoor } from './data/session.tsx'
import { Button } from './ui/button.tsx'
import { Field } from './ui/field.tsx'
import { Failure } from './ui/states.tsx'

export function SignIn() {
  const { signIn, refusal } = useDoor()
  const [secret, setSecret] = useState('')
  const [error, setError] = useState<unknown>(refusal)
  const [isBusy, setBusy] = useState(false)
  async function submit(event: FormEvent) {
    event.preventDefault()
    setBusy(true)
    setError(undefined)
    try {
      await signIn(secret.trim())
    } catch (thrown) {
      setError(thrown)
      setBusy(false)
    }
  }
  return (
    <main className="sign-in">
      <section className="card">
        <header className="card-head">
          <h1>Fanfold</h1>
        </header>
        <form className="card-body form" onSubmit={(event) => void submit(event)}>
          <p>Sign in with an API key. It stays in this tab, and is forgotten with it.</p>
          <Field label="API key" hint="The first start printed one; “fanfold keys create” makes more.">
            <input
              type="password"
              autoComplete="off"
              spellCheck={false}
              required
              value={secret}
              onChange={(event) => setSecret(event.target.value)}
            />
          </Field>
          {error === undefined ? null : <Failure error={error} />}
          <div>
            <Button type="submit" kind="primary" busy={isBusy}>
              Sign in
            </Button>
          </div>
        </form>
      </section>
    </main>
  )
}
