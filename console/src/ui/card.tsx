import type { ReactNode } from 'react'

interface CardProps {
  readonly title: ReactNode
  /** Buttons and marks at the right of the title. */
  readonly actions?: ReactNode
  /** Without padding: for tables that fill the card. */
  readonly bare?: boolean
  readonly children: ReactNode
}

export function Card({ title, actions, bare = false, children }: CardProps) {
  return (
    <section className="card">
      <header className="card-head">
        <h2>{title}</h2>
        {actions === undefined ? null : <div className="actions">{actions}</div>}
      </header>
      {bare ? children : <div className="card-body stack">{children}</div>}
    </section>
  )
}

/** Terms and what they are, in two columns. */
export function Facts({ of }: { readonly of: readonly (readonly [term: string, value: ReactNode])[] }) {
  return (
    <dl className="facts">
      {of.map(([term, value]) => (
        <div key={term} style={{ display: 'contents' }}>
          <dt>{term}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

/** One number with its unit. */
export function Figure(props: {
  readonly term: string
  readonly value: ReactNode
  readonly unit?: string
  readonly note?: ReactNode
}) {
  return (
    <dl className="card figure">
      <dt>{props.term}</dt>
      <dd>
        {props.value}
        {props.unit === undefined ? null : <small>{props.unit}</small>}
      </dd>
      {props.note === undefined ? null : <dd className="note">{props.note}</dd>}
    </dl>
  )
}
