import { createContext, type ReactNode, useCallback, useContext, useState } from 'react'
import { Button } from './button.tsx'

const SHOWN_MS = 6_000

interface Toast {
  readonly id: number
  readonly tone: 'ok' | 'bad' | 'info'
  readonly text: string
}

type Tell = (text: string, tone?: Toast['tone']) => void
const Teller = createContext<Tell>(() => undefined)

/** Short words about what was done; failures stay until they are put away. */
export function Toasts({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([])
  const drop = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), [])
  const tell = useCallback<Tell>(
    (text, tone = 'ok') => {
      const id = Math.random()
      setToasts((all) => [...all.slice(-3), { id, tone, text }])
      if (tone !== 'bad') setTimeout(() => drop(id), SHOWN_MS)
    },
    [drop],
  )
  return (
    <Teller value={tell}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map(({ id, tone, text }) => (
          <div key={id} className="notice" data-tone={tone}>
            <span>{text}</span>
            {tone === 'bad' ? (
              <span>
                <Button onClick={() => drop(id)}>Put away</Button>
              </span>
            ) : null}
          </div>
        ))}
      </div>
    </Teller>
  )
}

export const useTell = (): Tell => useContext(Teller)
