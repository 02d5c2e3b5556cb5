import { Link } from 'wouter'
import { useSession } from '../../data/session.tsx'

export function PaymentLink({ id }: { readonly id: string }) {
  return (
    <Link href={`/${id}`} className="mono">
      {id}
    </Link>
  )
}

/** The order that is paid; only its id where the key may not see orders. */
export function OrderLink({ id }: { readonly id: string }) {
  const { can } = useSession()
  return can('orders:read') ? (
    <Link href={`~/console/orders/${encodeURIComponent(id)}`} className="mono">
      {id}
    </Link>
  ) : (
    <span className="mono">{id}</span>
  )
}

export const None = () => <span className="soft">none</span>
