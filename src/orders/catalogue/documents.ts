import { fromMinor } from '../../core/money.ts'
import type { Address, Customer, Product, ProductPrice, StoredAddress } from '../ports.ts'
import type { AddressDocument, CustomerDocument, PriceDocument, ProductDocument } from './schemas.ts'

/** Stored things as the documents of the API. */
const iso = (ms: number) => new Date(ms).toISOString()

export function productDocument(product: Product): ProductDocument {
  return {
    product_id: product.productId,
    sku: product.sku,
    name: product.name,
    category: product.category,
    price: fromMinor(product.price),
    currency: product.currency,
    prices: Object.fromEntries(Object.entries(product.prices).map(([code, price]) => [code, fromMinor(price)])),
    active: product.active,
    version: product.version,
    created_at: iso(product.createdAtMs),
    updated_at: iso(product.updatedAtMs),
  }
}

export function priceDocument(price: ProductPrice): PriceDocument {
  return {
    price: price.price === undefined ? null : fromMinor(price.price),
    currency: price.currency,
    valid_from: iso(price.validFromMs),
    product_version: price.version,
    actor: price.actor,
  }
}

export function customerDocument(customer: Customer): CustomerDocument {
  return {
    customer_id: customer.customerId,
    name: customer.name ?? '',
    ...(customer.email === undefined ? {} : { email: customer.email }),
    guest: customer.guest,
    version: customer.version,
    created_at: iso(customer.createdAtMs),
  }
}

/** The members of an address that are there, in one order. */
export function addressOf(address: Address): Address {
  const { name, line1, line2, city, region, postal_code, country } = address
  return {
    ...(name === undefined ? {} : { name }),
    ...(line1 === undefined ? {} : { line1 }),
    ...(line2 === undefined ? {} : { line2 }),
    city,
    ...(region === undefined ? {} : { region }),
    ...(postal_code === undefined ? {} : { postal_code }),
    country,
  }
}

export function addressDocument(address: StoredAddress): AddressDocument {
  return {
    address_id: address.addressId,
    customer_id: address.customerId,
    ...addressOf(address),
    created_at: iso(address.createdAtMs),
  }
}
