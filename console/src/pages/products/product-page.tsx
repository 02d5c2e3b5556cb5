import { useQuery } from '@tanstack/react-query'
import type { Product, Stock } from 'fanfold/client'
import { useState } from 'react'
import { Link } from 'wouter'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card, Facts, Figure } from '../../ui/card.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatCount, formatMoney } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { Async } from '../../ui/states.tsx'
import { Time } from '../../ui/values.tsx'
import { ChangePriceForm } from './change-price-form.tsx'
import { ChangeProductForm } from './change-product-form.tsx'
import { PriceHistory } from './price-history.tsx'
import { SetStockForm } from './set-stock-form.tsx'
import { StockLocations } from './stock-locations.tsx'
import { StockMoves } from './stock-moves.tsx'

type Doing = 'price' | 'stock' | 'product'

export function ProductPage({ productId }: { readonly productId: string }) {
  const { can, client } = useSession()
  const [doing, setDoing] = useState<Doing>()
  const path = { product_id: productId }
  const product = useQuery<Product>({
    queryKey: ['products', productId],
    queryFn: ({ signal }) => client.get('/v1/products/{product_id}', { params: { path }, signal }),
  })
  const stock = useQuery<Stock>({
    queryKey: ['products', productId, 'stock'],
    queryFn: ({ signal }) => client.get('/v1/products/{product_id}/stock', { params: { path }, signal }),
    refetchInterval: LIVE_MS,
  })
  const { data } = product
  return (
    <Page
      title={data?.name ?? 'Product'}
      mark={
        data === undefined ? undefined : (
          <Badge tone={data.active ? 'ok' : 'plain'}>{data.active ? 'active' : 'not active'}</Badge>
        )
      }
      actions={
        <>
          <Link href="/">All products</Link>
          {can('orders') && data !== undefined ? (
            <>
              <Button onClick={() => setDoing('product')}>Change product</Button>
              <Button onClick={() => setDoing('price')}>Change price</Button>
              <Button onClick={() => setDoing('stock')}>Set stock</Button>
            </>
          ) : null}
        </>
      }
    >
      <Async of={product} what="Loading the product">
        {(found) => (
          <>
            <Figures product={found} stock={stock.data} />
            <PriceHistory product={found} />
            <div className="split">
              <StockLocations stock={stock} />
              <Card title="Product">
                <Facts
                  of={[
                    [
                      'Product id',
                      <span key="id" className="mono">
                        {found.product_id}
                      </span>,
                    ],
                    [
                      'SKU',
                      <span key="sku" className="mono">
                        {found.sku}
                      </span>,
                    ],
                    [
                      'Category',
                      <Link key="category" href={`/?category=${encodeURIComponent(found.category)}`}>
                        {found.category}
                      </Link>,
                    ],
                    ['Other currencies', otherPrices(found)],
                    ['Made', <Time key="made" at={found.created_at} />],
                    ['Changed', <Time key="changed" at={found.updated_at} />],
                    ['Version', found.version],
                  ]}
                />
              </Card>
            </div>
            <StockMoves productId={found.product_id} />
            {doing === undefined ? null : (
              <Dialog title={TITLES[doing]} onClose={() => setDoing(undefined)}>
                {doing === 'price' ? <ChangePriceForm product={found} onDone={() => setDoing(undefined)} /> : null}
                {doing === 'product' ? <ChangeProductForm product={found} onDone={() => setDoing(undefined)} /> : null}
                {doing === 'stock' ? (
                  <SetStockForm productId={found.product_id} stock={stock.data} onDone={() => setDoing(undefined)} />
                ) : null}
              </Dialog>
            )}
          </>
        )}
      </Async>
    </Page>
  )
}

const TITLES: Readonly<Record<Doing, string>> = {
  price: 'Change price',
  stock: 'Set stock',
  product: 'Change product',
}

function otherPrices({ prices }: Product): string {
  const texts = Object.entries(prices).map(([currency, minor]) => formatMoney(minor, currency))
  return texts.length === 0 ? 'none' : texts.join(', ')
}

function Figures({ product, stock }: { readonly product: Product; readonly stock: Stock | undefined }) {
  const units = (count: number | undefined) => (count === undefined ? '…' : formatCount(count))
  return (
    <div className="figures">
      <Figure term="Price now" value={formatMoney(product.price, product.currency)} />
      <Figure term="Available" value={units(stock?.available)} unit="units" note="can be ordered" />
      <Figure term="On hand" value={units(stock?.on_hand)} unit="units" note="lie at the locations" />
      <Figure term="Reserved" value={units(stock?.reserved)} unit="units" note="taken by orders and cart holds" />
    </div>
  )
}
