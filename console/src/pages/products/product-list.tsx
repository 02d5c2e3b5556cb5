import { useQuery } from '@tanstack/react-query'
import type { Product } from 'fanfold/client'
import { useId, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { useSession } from '../../data/session.tsx'
import { fieldError } from '../../data/use-command.ts'
import { useFilters } from '../../data/use-filters.ts'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'
import { ListTable } from '../../ui/list-table.tsx'
import { Page } from '../../ui/page.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { CreateProductForm } from './create-product-form.tsx'

const FILTERS = ['category'] as const

const COLUMNS: readonly Column<Product>[] = [
  { header: 'Name', cell: ({ product_id: id, name }) => <Link href={`/${encodeURIComponent(id)}`}>{name}</Link> },
  {
    header: 'Category',
    cell: ({ category }) => <Link href={`/?category=${encodeURIComponent(category)}`}>{category}</Link>,
  },
  { header: 'Product id', cell: ({ product_id: id }) => <span className="mono">{id}</span> },
  { header: 'SKU', cell: ({ sku }) => <span className="mono">{sku}</span> },
  { header: 'Price', cell: ({ price, currency }) => <Money minor={price} currency={currency} />, isNumber: true },
  {
    header: 'On sale',
    cell: ({ active }) => <Badge tone={active ? 'ok' : 'plain'}>{active ? 'active' : 'not active'}</Badge>,
  },
  { header: 'Changed', cell: ({ updated_at: at }) => <Time at={at} /> },
]

export function ProductList() {
  const { can, client } = useSession()
  const [, go] = useLocation()
  const listId = useId()
  const [isAdding, setAdding] = useState(false)
  const { filters, setFilters } = useFilters(FILTERS)
  const list = useList<Product>(['products', 'list', filters], (cursor, signal) => {
    const query = { ...filters, limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) }
    return client.get('/v1/products', { params: { query }, signal })
  })
  const categories = useCategories()
  const add = can('orders') ? (
    <Button kind="primary" onClick={() => setAdding(true)}>
      Add a product
    </Button>
  ) : undefined
  return (
    <Page title="Products" actions={add}>
      <FilterForm label="Filter products" names={FILTERS} filters={filters} onFilter={setFilters}>
        <Field label="Category" hint="As it is written" error={fieldError(list.error, 'query/category')}>
          <input name="category" list={listId} type="search" defaultValue={filters.category} autoComplete="off" />
        </Field>
        <datalist id={listId}>
          {categories.map((category) => (
            <option key={category} value={category} />
          ))}
        </datalist>
      </FilterForm>
      <Categories of={categories} chosen={filters.category} />
      <ListTable
        list={list}
        what="Loading products"
        tall
        label="Products, by id"
        columns={COLUMNS}
        keyOf={(product) => product.product_id}
        empty={
          <Empty title={filters.category === undefined ? 'No products yet' : `No product in ${filters.category}`}>
            <p>
              {filters.category === undefined
                ? 'Add one here, with POST /v1/products, or fill a world to look at with “fanfold demo”.'
                : 'Categories are found as they are written, capitals and all.'}
            </p>
          </Empty>
        }
      />
      {isAdding ? (
        <Dialog title="Add a product" onClose={() => setAdding(false)}>
          <CreateProductForm onDone={({ product_id: id }) => go(`/${encodeURIComponent(id)}`)} />
        </Dialog>
      ) : null}
    </Page>
  )
}

/** Categories of the first products: the API has no list of all of them. */
function useCategories(): readonly string[] {
  const { client } = useSession()
  const { data } = useQuery({
    queryKey: ['products', 'offered'],
    queryFn: ({ signal }) => client.get('/v1/products', { params: { query: { limit: PAGE_ROWS } }, signal }),
    staleTime: 60_000,
  })
  return [...new Set(data?.items.map(({ category }) => category))].sort((a, b) => a.localeCompare(b))
}

interface CategoriesProps {
  readonly of: readonly string[]
  readonly chosen: string | undefined
}

function Categories({ of, chosen }: CategoriesProps) {
  if (of.length === 0) return null
  return (
    <nav className="categories" aria-label="Categories">
      <Link href="/" aria-current={chosen === undefined ? 'page' : undefined}>
        All
      </Link>
      {of.map((category) => (
        <Link
          key={category}
          href={`/?category=${encodeURIComponent(category)}`}
          aria-current={chosen === category ? 'page' : undefined}
        >
          {category}
        </Link>
      ))}
    </nav>
  )
}
