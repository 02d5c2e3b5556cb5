import type { Clock } from '../../core/clock.ts'
import { type ErrorCode, isAppError } from '../../core/errors.ts'
import type {
  AddressKey,
  CatalogueStore,
  Customer,
  CustomerStore,
  Product,
  StockStore,
  StoredAddress,
} from '../ports.ts'
import { createVersionedCache, type VersionedCache } from './cache.ts'
import { createLocator, type Locator } from './locator.ts'

/** What orders are made from, kept in memory: one for all parts that make or change orders, so that they agree. */
export interface Sources {
  readonly products: VersionedCache<Product>
  readonly customers: VersionedCache<Customer>
  readonly addresses: VersionedCache<StoredAddress>
  readonly locator: Locator
}

/** An address as the id of a cache; ids hold no line break. */
export const addressId = ({ customerId, addressId: id }: AddressKey) => `${customerId}\n${id}`

function addressKey(text: string): AddressKey {
  const [customerId = '', id = ''] = text.split('\n')
  return { customerId, addressId: id }
}

export function createSources(
  ports: { readonly catalogue: CatalogueStore; readonly customers: CustomerStore; readonly stock: StockStore },
  clock: Clock,
): Sources {
  return {
    products: createVersionedCache(ports.catalogue.find, (product) => product.productId),
    customers: createVersionedCache(ports.customers.find, (customer) => customer.customerId),
    addresses: createVersionedCache((ids) => ports.customers.findAddresses(ids.map(addressKey)), addressId),
    locator: createLocator(ports.stock, clock),
  }
}

const DOUBTFUL: readonly ErrorCode[] = ['price_changed', 'product_inactive', 'currency_mismatch']

/**
 * Decides from products in memory. What would be refused because of them is decided once more after they were read
 * anew, since another process may have changed them: the database refuses what is accepted from an old copy, but nobody
 * would notice a refusal.
 */
export async function inDoubtAgain<Result>(
  { products }: Pick<Sources, 'products'>,
  items: readonly { readonly product_id: string }[],
  decide: () => Promise<Result>,
): Promise<Result> {
  try {
    return await decide()
  } catch (error) {
    if (!DOUBTFUL.some((code) => isAppError(error, code))) throw error
    products.forget(items.map((item) => item.product_id))
    return decide()
  }
}
