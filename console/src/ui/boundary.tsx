import { Component, type ReactNode } from 'react'
import { Button } from './button.tsx'
import { Page } from './page.tsx'

interface BoundaryProps {
  /** Where somebody is: what failed there says nothing of another place. */
  readonly place: string
  readonly children: ReactNode
}

interface BoundaryState {
  readonly error: unknown
  readonly place: string
}

/** Keeps the frame when a page fails, and says so. React has this for classes only. */
export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { error: undefined, place: this.props.place }

  static getDerivedStateFromError(error: unknown): Partial<BoundaryState> {
    return { error }
  }

  static getDerivedStateFromProps({ place }: BoundaryProps, state: BoundaryState): BoundaryState | null {
    return place === state.place ? null : { error: undefined, place }
  }

  override render(): ReactNode {
    const { error } = this.state
    if (error === undefined) return this.props.children
    return (
      <Page title="This page failed">
        <div className="notice" data-tone="bad" role="alert">
          <strong>The console made a mistake here</strong>
          <span>{error instanceof Error ? error.message : String(error)}</span>
          <span>
            <Button onClick={() => window.location.reload()}>Load it anew</Button>
          </span>
        </div>
      </Page>
    )
  }
}
