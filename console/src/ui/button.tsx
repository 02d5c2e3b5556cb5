import type { ButtonHTMLAttributes } from 'react'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  readonly kind?: 'primary' | 'danger' | 'quiet' | undefined
  /** Why it can't be pressed now: it stays reachable by keyboard, and tells. */
  readonly refusal?: string | undefined
  readonly busy?: boolean
}

export function Button({ kind, refusal, busy = false, children, onClick, ...rest }: ButtonProps) {
  const isRefused = refusal !== undefined || busy
  return (
    <button
      type="button"
      className="button"
      data-kind={kind}
      aria-disabled={isRefused || undefined}
      title={refusal}
      {...rest}
      onClick={isRefused ? (event) => event.preventDefault() : onClick}
    >
      {busy ? 'Working …' : children}
      {refusal === undefined ? null : <span className="visually-hidden"> (not now: {refusal})</span>}
    </button>
  )
}
