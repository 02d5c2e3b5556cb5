import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'

interface OrdersLinkProps {
  /** From the beginning of the console, such as `/orders/1`. */
  readonly to: string
  readonly className: string
  readonly children: ReactNode
}

/** Leads to orders and products; only the words where the key may not see them. */
export function OrdersLink({ to, className, children }: OrdersLinkProps) {
  const { can } = useSession()
  return can('orders:read') ? (
    <Link href={`~/console${to}`} className={className}>
      {children}
    </Link>
  ) : (
    <span className={className}>{children}</span>
  )
}
