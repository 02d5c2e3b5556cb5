import { AppError, invalidField } from '../../core/errors.ts'
import { addressOf } from '../catalogue/documents.ts'
import { placeOf } from '../placing/placing.ts'
import type { CustomerStore, Order, SentTo } from '../ports.ts'
import type { Prepare } from './change.ts'
import type { ChangeShippingAddress } from './schemas.ts'

async function sentToOf(customers: CustomerStore, order: Order, input: ChangeShippingAddress): Promise<SentTo> {
  const { shipping_address: given, shipping_address_id: addressId } = input
  const { customerId } = order
  if (given !== undefined && addressId === undefined) {
    // What is personal must not come back to somebody who was erased.
    const [customer] = await customers.find([customerId])
    if (customer === undefined) throw new AppError('customer_not_found', `No customer ${customerId}`)
    return { shippingAddressId: undefined, shippingAddress: addressOf(given) }
  }
  if (given !== undefined || addressId === undefined) {
    throw invalidField('/shipping_address', 'give either shipping_address or shipping_address_id')
  }
  const [address] = await customers.findAddresses([{ customerId, addressId }])
  if (address === undefined) {
    throw new AppError('address_not_found', `Customer ${customerId} has no address ${addressId}`)
  }
  return { shippingAddressId: addressId, shippingAddress: addressOf(address) }
}

const FIELDS = ['name', 'line1', 'line2', 'city', 'region', 'postal_code', 'country'] as const

/** The change to another address; none when the order goes there already. */
export function prepareAddress(customers: CustomerStore, input: ChangeShippingAddress): Prepare {
  return async (order) => {
    const wanted = await sentToOf(customers, order, input)
    const [to, from] = [wanted.shippingAddress, order.shippingAddress]
    const same = wanted.shippingAddressId === order.shippingAddressId && FIELDS.every((name) => to[name] === from[name])
    if (same) return undefined
    return { command: { type: 'ChangeAddress', place: placeOf(to) }, address: wanted }
  }
}
