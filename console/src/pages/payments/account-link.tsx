import { Link } from 'wouter'

/** An account of the ledger, and its entries. */
export function AccountLink({ account }: { readonly account: string }) {
  return (
    <Link href={`/ledger?account=${encodeURIComponent(account)}`} className="mono">
      {account}
    </Link>
  )
}
