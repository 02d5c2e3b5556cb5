import { type ReactNode, useEffect, useRef } from 'react'

interface PageProps {
  readonly title: string
  /** Which of several pages under one title it is; shown by its tabs, and told to those who do not see them. */
  readonly part?: string
  /** Beside the title: state, number. */
  readonly mark?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** Whoever opens the console begins at its top, as on any page. */
let isFirst = true

/** A page: its title names the tab, and takes the focus when somebody comes from another, so that screen readers tell it. */
export function Page({ title, part, mark, actions, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = [part, title, 'Fanfold'].filter((name) => name !== undefined).join(' · ')
    if (!isFirst) heading.current?.focus({ preventScroll: true })
    isFirst = false
  }, [title, part])
  return (
    <div className="page">
      <header className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
          {part === undefined ? null : <span className="visually-hidden">: {part}</span>}
        </h1>
        {mark}
        {actions === undefined ? null : <div className="actions">{actions}</div>}
      </header>
      {children}
    </div>
  )
}
