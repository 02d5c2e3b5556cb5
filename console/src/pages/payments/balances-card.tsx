import type { LedgerAccount } from 'fanfold/client'
import { Badge } from '../../ui/badge.tsx'
import { Card } from '../../ui/card.tsx'
import { formatMoney } from '../../ui/format.ts'
import { Money } from '../../ui/values.tsx'
import { AccountLink } from './account-link.tsx'

interface BalancesCardProps {
  readonly currency: string
  readonly accounts: readonly LedgerAccount[]
  readonly chosen: string
}

/** The accounts of one currency, and whether they add up to 0, as double entry says. */
export function BalancesCard({ currency, accounts, chosen }: BalancesCardProps) {
  const sumOf = (of: 'debit' | 'credit' | 'balance') => accounts.reduce((sum, account) => sum + account[of], 0)
  const sum = sumOf('balance')
  const label = `Balances in ${currency}`
  return (
    <Card
      title={label}
      actions={
        sum === 0 ? (
          <Badge tone="ok">the balances add up to {formatMoney(0, currency)}</Badge>
        ) : (
          <Badge tone="bad">the balances add up to {formatMoney(sum, currency)}, not to 0</Badge>
        )
      }
      bare
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section className="table-frame" tabIndex={0} aria-label={label}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Account</th>
              <th scope="col">Kind</th>
              <th scope="col">What it holds</th>
              <th scope="col" className="number">
                Debit
              </th>
              <th scope="col" className="number">
                Credit
              </th>
              <th scope="col" className="number">
                Balance
              </th>
            </tr>
          </thead>
          <tbody>
            {accounts.map((account) => (
              <tr key={account.account} aria-selected={account.account === chosen || undefined}>
                <td>
                  <AccountLink account={account.account} />
                </td>
                <td>{account.kind}</td>
                <td className="pay-words">{account.about}</td>
                <td className="number">
                  <Money minor={account.debit} currency={currency} />
                </td>
                <td className="number">
                  <Money minor={account.credit} currency={currency} />
                </td>
                <td className="number">
                  <Money minor={account.balance} currency={currency} />
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={3}>
                Sum
              </th>
              {(['debit', 'credit', 'balance'] as const).map((of) => (
                <td key={of} className="number">
                  <strong>
                    <Money minor={sumOf(of)} currency={currency} />
                  </strong>
                </td>
              ))}
            </tr>
          </tfoot>
        </table>
      </section>
    </Card>
  )
}
